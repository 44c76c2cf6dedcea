"""Meters ``Client.send`` and ``AsyncClient.send`` of httpx2 and httpx, the seam that every attempt goes through.

Both libraries have the same classes; neither is imported here. A response whose body is still to come gets a
subclass that watches the body pass, and no reference cycle, so that a dropped response is noticed at once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from tollspan.attempt import Attempt
from tollspan.guarded import guarded
from tollspan.wire.exchange import Begun, Outgoing, begin, fail, open_responses, passed, sending, state
from tollspan.wire.hook import Seam

_Send = Callable[..., Any]

_kinds: dict[type, type] = {}  # response class -> the same with _Watched mixed in


def _send(wrapped: _Send, _client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    begun = _begun(args, kwargs)
    if begun is None:
        return wrapped(*args, **kwargs)
    args, kwargs = _asking(begun, args, kwargs) or (args, kwargs)
    with sending():
        try:
            response = wrapped(*args, **kwargs)
        except BaseException as error:
            fail(begun.attempt, error)
            raise
    _watch(begun.attempt, response)
    return response


async def _asend(wrapped: _Send, _client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    begun = _begun(args, kwargs)
    if begun is None:
        return await wrapped(*args, **kwargs)
    args, kwargs = _asking(begun, args, kwargs) or (args, kwargs)
    with sending():
        try:
            response = await wrapped(*args, **kwargs)
        except BaseException as error:
            fail(begun.attempt, error)
            raise
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
            header=request.headers.get,
            drop_header=lambda name: request.headers.pop(name, None),
            body=lambda: _body(request),
            header_names=lambda: list(request.headers),
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
    begun: Begun, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """Return the arguments with the same request, but another body; ``None`` where none is wanted."""
    if begun.asking is None:
        return None
    request = args[0] if args else kwargs["request"]
    headers = [(name, value) for name, value in request.headers.multi_items() if name.lower() != "content-length"]
    kind = type(request)
    asking = kind(request.method, request.url, headers=headers, content=begun.asking, extensions=request.extensions)
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
    response.tollspan_attempt = attempt
    response.__class__ = _watched(type(response))
    open_responses.add(response)


def _watched(kind: type) -> type:
    if kind not in _kinds:
        _kinds[kind] = type(kind.__name__, (_Watched, kind), {})
    return _kinds[kind]


class _Watched:
    """Mixed into a response: reports its body to the attempt."""

    tollspan_attempt: Attempt
    _content: bytes

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Yield the body as the library does, minus what tollspan asked for itself."""
        pieces: Iterator[bytes] = super().iter_bytes(chunk_size)  # type: ignore[misc] # the library's class
        if hasattr(self, "_content"):
            yield from pieces
            return
        yield from passed(self.tollspan_attempt, pieces)

    async def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """Yield the body as the library does, minus what tollspan asked for itself."""
        pieces: AsyncIterator[bytes] = super().aiter_bytes(chunk_size)  # type: ignore[misc] # the library's class
        attempt = self.tollspan_attempt
        while True:
            attempt.reading = True
            try:
                piece = await pieces.__anext__()
            except StopAsyncIteration:
                break
            except BaseException as error:
                attempt.fail(error)
                raise
            finally:
                attempt.reading = False
            if seen := attempt.chunk(piece):
                yield seen
        if held := attempt.finish():
            yield held

    def close(self) -> None:
        """Close the body; before its end that is an abort, unless the library does it from inside the last read."""
        super().close()  # type: ignore[misc] # the library's class
        if not self.tollspan_attempt.reading:
            self.tollspan_attempt.abort()

    async def aclose(self) -> None:
        """Close the body; before its end that is an abort, unless the library does it from inside the last read."""
        await super().aclose()  # type: ignore[misc] # the library's class
        if not self.tollspan_attempt.reading:
            self.tollspan_attempt.abort()

    def __del__(self) -> None:
        self.tollspan_attempt.abort()
