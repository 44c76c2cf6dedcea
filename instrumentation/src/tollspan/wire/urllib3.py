"""Meters ``HTTPConnectionPool.urlopen`` of urllib3, for who uses it by itself; botocore and requests lie above it.

Retries that urllib3 makes are part of one attempt, because they call the same method again from inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from typing import Any
from urllib.parse import urlsplit

from tollspan.attempt import Attempt
from tollspan.guarded import guarded, safely
from tollspan.wire.exchange import Begun, Outgoing, begin, concerns, inside, lowered, sending, state
from tollspan.wire.hook import Seam
from tollspan.wire.response import Watched, passed, watch

_NAMES = ("method", "url", "body", "headers")  # of the first arguments


def _urlopen(wrapped: Callable[..., Any], pool: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if state.recorder is None or inside():
        return wrapped(*args, **kwargs)
    request = {**dict.fromkeys(_NAMES), **dict(zip(_NAMES, args, strict=False)), **kwargs}
    begun = _begun(pool, request)
    first, others = [request.pop(name) for name in _NAMES], args[len(_NAMES) :]
    if begun is None:
        return wrapped(*first, *others, **request)
    with sending(begun.attempt):
        response = wrapped(*first, *others, **request)
    _watch(begun.attempt, response)
    return response


SEAMS = (
    Seam("urllib3.connectionpool", {"HTTPConnectionPool": {"urlopen": _urlopen}}, lambda: state.recorder is not None),
)


@guarded
def _begun(pool: Any, request: dict[str, Any]) -> Begun | None:
    """Begin an attempt; what stays here is not among the headers in ``request`` afterwards."""
    parts, method = urlsplit(request["url"]), request["method"].upper()
    host = parts.hostname or pool.host
    if not concerns(method, host, parts.path):
        return None
    body, headers = request["body"], request["headers"] or pool.headers

    def drop(name: str) -> None:
        request["headers"] = kept = copy(request["headers"] or headers)
        for spelled in [one for one in kept if one.lower() == name]:
            del kept[spelled]

    def put(name: str, value: str) -> None:
        drop(name)
        request["headers"][name] = value

    return begin(
        Outgoing(
            method=method,
            host=host,
            path=parts.path,
            headers=lambda: lowered(headers.items()),
            drop_header=drop,
            set_header=put,
            body=lambda: body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else b"",
        )
    )


@guarded
def _watch(attempt: Attempt | None, response: Any) -> None:
    if attempt is None:
        return
    attempt.answered(response.status, response.headers.get)
    if response.closed:
        attempt.chunk(response.data)
        ended(attempt, response)
    else:
        watch(response, attempt, Body)


def ended(attempt: Attempt, response: Any) -> None:
    """End an attempt with its body; urllib3 does not always mind that a body is shorter than announced."""
    if response.length_remaining:
        attempt.fail(EOFError())
    else:
        attempt.finish()


class Body(Watched):
    """Mixed into a response whose body is still to come: reports what is read of it."""

    closed: bool

    def read(self, *args: Any, **kwargs: Any) -> bytes:
        """Read as the library does."""
        return self._noted(super().read, args, kwargs)  # type: ignore[misc] # the library's class

    def read1(self, *args: Any, **kwargs: Any) -> bytes:
        """Read as the library does."""
        return self._noted(super().read1, args, kwargs)  # type: ignore[misc] # the library's class

    def read_chunked(self, *args: Any, **kwargs: Any) -> Iterator[bytes]:
        """Yield the chunks of a body as the library does."""
        return passed(self.tollspan_attempt, super().read_chunked(*args, **kwargs))  # type: ignore[misc] # as above

    def _noted(self, read: Callable[..., bytes], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
        attempt = self.tollspan_attempt
        try:
            data = read(*args, **kwargs)
        except BaseException as error:
            attempt.fail(error)
            raise
        attempt.chunk(data)
        if self.closed:
            safely(ended, attempt, self)
        return data
