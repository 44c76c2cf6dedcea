"""Meters ``Client.send`` and ``AsyncClient.send`` of httpx2 and httpx, the seam that every attempt goes through.

Both libraries have the same classes; neither is imported here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from tollspan.attempt import Attempt
from tollspan.guarded import guarded
from tollspan.wire.exchange import Begun, Outgoing, begin, lowered, sending, state
from tollspan.wire.hook import Seam
from tollspan.wire.response import Watched, apassed, passed, watch

_Send = Callable[..., Any]


def _send(wrapped: _Send, _client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    begun = _begun(args, kwargs)
    if begun is None:
        return wrapped(*args, **kwargs)
    if begun.asking is not None:
        args, kwargs = _asking(begun.asking, args, kwargs) or (args, kwargs)
    with sending(begun.attempt):
        response = wrapped(*args, **kwargs)
    _watch(begun.attempt, response)
    return response


async def _asend(wrapped: _Send, _client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    begun = _begun(args, kwargs)
    if begun is None:
        return await wrapped(*args, **kwargs)
    if begun.asking is not None:
        args, kwargs = _asking(begun.asking, args, kwargs) or (args, kwargs)
    with sending(begun.attempt):
        response = await wrapped(*args, **kwargs)
    _watch(begun.attempt, response)
    return response


SEAMS = tuple(
    Seam(name, {"Client": {"send": _send}, "AsyncClient": {"send": _asend}}, lambda: state.recorder is not None)
    for name in ("httpx2", "httpx")
)


@guarded
def _begun(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Begun | None:
    request = args[0] if args else kwargs["request"]
    return begin(
        Outgoing(
            method=request.method,
            host=request.url.host,
            path=request.url.path,
            headers=lambda: lowered(request.headers.raw),
            drop_header=lambda name: request.headers.pop(name, None),
            body=lambda: _body(request),
            set_header=request.headers.__setitem__,
            can_ask=True,
        )
    )


def _body(request: Any) -> bytes:
    """Return a body that is there; of a form that is made while it is sent, the fields that are texts."""
    fields = getattr(request.stream, "fields", None)
    if fields is None:
        return bytes(request.content)
    boundary = request.stream.boundary
    found = [b"--%s\r\n%s\r\n" % (boundary, b"".join(field.render())) for field in fields if hasattr(field, "value")]
    return b"".join([*found, b"--%s--\r\n" % boundary])


@guarded
def _asking(
    body: bytes, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """Return the arguments with the same request, but another body."""
    request = args[0] if args else kwargs["request"]
    headers = [(name, value) for name, value in request.headers.multi_items() if name.lower() != "content-length"]
    kind = type(request)
    asking = kind(request.method, request.url, headers=headers, content=body, extensions=request.extensions)
    return ((asking, *args[1:]), kwargs) if args else (args, {**kwargs, "request": asking})


@guarded
def _watch(attempt: Attempt | None, response: Any) -> None:
    if attempt is None:
        return
    attempt.answered(response.status_code, response.headers.get)
    if hasattr(response, "_content"):
        attempt.chunk(response.content)
        attempt.finish()
        return
    watch(response, attempt, _Watched)


class _Watched(Watched):
    """Mixed into a response: reports its body to the attempt."""

    _content: bytes

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Yield the body as the library does, minus what tollspan asked for itself."""
        pieces: Iterator[bytes] = super().iter_bytes(chunk_size)  # type: ignore[misc] # the library's class
        return pieces if hasattr(self, "_content") else passed(self.tollspan_attempt, pieces)

    def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """Yield the body as the library does, minus what tollspan asked for itself."""
        pieces: AsyncIterator[bytes] = super().aiter_bytes(chunk_size)  # type: ignore[misc] # the library's class
        return pieces if hasattr(self, "_content") else apassed(self.tollspan_attempt, pieces)

    async def aclose(self) -> None:
        """Close the body."""
        self.left()
        await super().aclose()  # type: ignore[misc] # the library's class
