"""Meters ``Session.send`` of requests; retries that urllib3 makes below it are part of one attempt."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from tollspan.attempt import Attempt
from tollspan.guarded import guarded
from tollspan.wire.exchange import Begun, Outgoing, begin, lowered, sending, state
from tollspan.wire.hook import Seam
from tollspan.wire.response import Watched, passed, watch


def _send(wrapped: Callable[..., Any], _session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    request = args[0] if args else kwargs["request"]
    begun = _begun(request)
    if begun is None:
        return wrapped(*args, **kwargs)
    with sending(begun.attempt):
        response = wrapped(*args, **kwargs)
    _watch(begun.attempt, response)
    return response


SEAMS = (Seam("requests.sessions", {"Session": {"send": _send}}, lambda: state.recorder is not None),)


@guarded
def _begun(request: Any) -> Begun | None:
    parts = urlsplit(request.url)
    begun = begin(
        Outgoing(
            method=request.method,
            host=parts.hostname or "",
            path=parts.path,
            headers=lambda: lowered(request.headers.items()),
            drop_header=lambda name: request.headers.pop(name, None),
            body=lambda: _bytes(request.body),
            set_header=request.headers.__setitem__,
            can_ask=isinstance(request.body, str | bytes),
        )
    )
    if begun is not None and begun.asking is not None:
        request.body = begun.asking
        request.headers["Content-Length"] = str(len(begun.asking))
    return begun


def _bytes(body: Any) -> bytes:
    """Return a body that is there; one that is made while it is sent is not touched."""
    return body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else b""


@guarded
def _watch(attempt: Attempt | None, response: Any) -> None:
    if attempt is None:
        return
    attempt.answered(response.status_code, response.headers.get)
    if response._content_consumed:  # noqa: SLF001 - the library has no other word for it
        attempt.chunk(response.content)
        attempt.finish()
        return
    watch(response, attempt, _Watched)


class _Watched(Watched):
    """Mixed into a response whose body is still to come: reports it to the attempt."""

    _content_consumed: bool

    def iter_content(self, chunk_size: int | None = 1, decode_unicode: bool = False) -> Iterator[Any]:  # noqa: FBT001, FBT002 - the library's signature
        """Yield the body as the library does, minus what tollspan asked for itself."""
        if self._content_consumed:
            yield from super().iter_content(chunk_size, decode_unicode)  # type: ignore[misc] # the library's class
            return
        if decode_unicode:
            decode = sys.modules["requests.utils"].stream_decode_response_unicode
            yield from decode(self.iter_content(chunk_size), self)
            return
        pieces: Iterator[bytes] = super().iter_content(chunk_size)  # type: ignore[misc] # the library's class
        yield from passed(self.tollspan_attempt, pieces)
