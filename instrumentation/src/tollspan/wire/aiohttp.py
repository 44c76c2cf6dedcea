"""Meters ``ClientSession._request`` of aiohttp, and the bodies that its connections feed.

The body's reader has slots and no room for a reference, so it becomes a subclass of the same layout and finds its
attempt by identity. It reads what the network brings, also what the application never looks at.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from tollspan.attempt import Attempt
from tollspan.guarded import guarded, safely
from tollspan.wire.exchange import Begun, Outgoing, begin, inside, lowered, sending, state, stays_here
from tollspan.wire.hook import Seam
from tollspan.wire.response import Watched, mix, watch

_URL, _BODY_KINDS = 1, (str, bytes, bytearray)
_attempts: dict[int, Attempt] = {}  # id of a reader whose body is still to come -> its attempt


async def _request(wrapped: Callable[..., Any], session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    begun = _begun(session, args, kwargs)
    if begun is None:
        return await wrapped(*args, **kwargs)
    with sending(begun.attempt):
        try:
            response = await wrapped(*args, **kwargs)
        except Exception as error:
            _told(begun.attempt, error)
            raise
    _watch(begun.attempt, response)
    return response


def _prepared(wrapped: Callable[..., Any], _session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Keep back what the session adds to every request, where the request is a provider's."""
    headers = wrapped(*args, **kwargs)
    safely(_kept_back, headers)
    return headers


SEAMS = (
    Seam(
        "aiohttp.client",
        {"ClientSession": {"_request": _request, "_prepare_headers": _prepared}},
        lambda: state.recorder is not None,
    ),
)


def _kept_back(headers: Any) -> None:
    if state.recorder is not None and inside():
        for name in {name for name in headers if stays_here(name)}:
            headers.popall(name)


@guarded
def _begun(session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Begun | None:
    method = args[0] if args else kwargs["method"]
    url = session._build_url(args[_URL] if len(args) > _URL else kwargs["str_or_url"])  # noqa: SLF001 - as it does itself
    headers = session._prepare_headers(kwargs.get("headers"))  # noqa: SLF001 - as it does itself
    return begin(
        Outgoing(
            method=method.upper(),
            host=url.host or "",
            path=url.path,
            headers=lambda: lowered(headers.items()),
            drop_header=lambda name: headers.popall(name, None),
            body=lambda: _body(kwargs),
            set_header=lambda name, value: _write(kwargs, headers, name, value),
        )
    )


def _write(kwargs: dict[str, Any], headers: Any, name: str, value: str) -> None:
    headers[name] = value
    kwargs["headers"] = headers


def _body(kwargs: Mapping[str, Any]) -> bytes:
    """Return a body that is there; one that is made while it is sent is not touched."""
    if kwargs.get("json") is not None:
        return json.dumps(kwargs["json"]).encode()
    data = kwargs.get("data")
    if not isinstance(data, _BODY_KINDS):
        return b""
    return data.encode() if isinstance(data, str) else bytes(data)


@guarded
def _told(attempt: Attempt | None, error: BaseException) -> None:
    """Note the answer that an error is made of (``raise_for_status``)."""
    status, headers = getattr(error, "status", None), getattr(error, "headers", None)
    if attempt is not None and isinstance(status, int):
        attempt.answered(status, headers.get if headers is not None else lambda _name: None)


@guarded
def _watch(attempt: Attempt | None, response: Any) -> None:
    if attempt is None:
        return
    attempt.answered(response.status, response.headers.get)
    reader = response.content
    watch(response, attempt, _Watched)
    if reader._buffer:  # noqa: SLF001 - what came with the head is fed already
        first, *others = reader._buffer  # noqa: SLF001 - as above
        attempt.chunk(bytes(first[reader._buffer_offset :]) + b"".join(others))  # noqa: SLF001 - as above
    if reader.exception() is not None:
        attempt.fail(reader.exception())
    elif reader.is_eof():
        attempt.finish()
    else:
        _attempts[id(reader)] = attempt
        mix(_Tapped, reader)


class _Tapped:
    """Mixed into the reader of a body: reports what is fed to it."""

    __slots__ = ()

    def feed_data(self, data: bytes, *more: Any) -> Any:
        """Take what the network brought."""
        attempt = _attempts.get(id(self))
        if attempt is not None:
            attempt.chunk(data)
        return super().feed_data(data, *more)  # type: ignore[misc] # the library's class

    def feed_eof(self) -> None:
        """Note the end of the body."""
        attempt = _attempts.pop(id(self), None)
        if attempt is not None:
            attempt.finish()
        super().feed_eof()  # type: ignore[misc] # the library's class

    def set_exception(self, error: BaseException, *more: Any) -> None:
        """Note that the body broke off."""
        attempt = _attempts.pop(id(self), None)
        if attempt is not None:
            attempt.fail(error)
        super().set_exception(error, *more)  # type: ignore[misc] # the library's class


class _Watched(Watched):
    """Mixed into a response: leaving it before its body's end is an abort."""

    content: Any

    def release(self) -> Any:
        """Give the connection back; a body that is not read to its end closes it."""
        self.left()
        return super().release()  # type: ignore[misc] # the library's class

    @guarded
    def left(self) -> None:
        """Note that nobody reads on."""
        _attempts.pop(id(self.content), None)
        super().left()

    def __del__(self) -> None:
        self.left()
        super().__del__()
