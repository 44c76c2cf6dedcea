"""Attribution of requests to a WSGI application, its streamed bodies included.

A body is read after the application has returned, so a scope around the call would have ended: the call, each step
of the body and its close run in one context of their own.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tollspan.guarded import safely
from tollspan.web.source import Middleware

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


class AttributionMiddleware(Middleware[Application]):
    """Wraps a WSGI application; for where the names come from see :class:`~tollspan.web.source.Source`.

    ``resolve`` gets the environ.
    """

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request in the scope of whom it is for."""
        scope = self._source.scope(environ, lambda name: header(environ, name))
        home = contextvars.copy_context()
        home.run(scope.__enter__)
        body = home.run(self._app, environ, start_response)
        return body if safely(_finished, body, environ) else _Body(body, home)


def header(environ: Mapping[str, Any], name: str) -> str | None:
    """Look a request header up in a WSGI environ (PEP 3333)."""
    found = environ.get("HTTP_" + name.upper().replace("-", "_"))
    return found if isinstance(found, str) else None


def _finished(body: Iterable[bytes], environ: Mapping[str, Any]) -> bool:
    """Tell whether nobody's code runs while a body is sent: its pieces are there, or it is the server's own file."""
    of_a_file = environ.get("wsgi.file_wrapper")
    return isinstance(body, list | tuple | bytes) or (isinstance(of_a_file, type) and isinstance(body, of_a_file))


class _Body:
    """A body each step of which runs in the request's context."""

    def __init__(self, body: Iterable[bytes], home: contextvars.Context) -> None:
        self._body, self._home = body, home
        self._steps: Iterator[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return self._home.run(self._next)

    def _next(self) -> bytes:
        if self._steps is None:
            self._steps = iter(self._body)
        return next(self._steps)

    def close(self) -> None:
        """Close the body, where it can be."""
        close = getattr(self._body, "close", None)
        if close is not None:
            self._home.run(close)
