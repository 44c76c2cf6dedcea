"""Meters sessions over the ``websockets`` library: what its connections send and receive, sync and async.

The opening request passes ``ClientProtocol.send_request`` in both; there a session begins and what stays here is
taken out. The session hangs at the protocol object, so that it is dropped with the connection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tollspan.guarded import guarded, safely
from tollspan.session import Session, opened
from tollspan.wire.exchange import Outgoing, kept_here, lowered, state
from tollspan.wire.hook import Seam
from tollspan.wire.response import opened as open_attempt

_Function = Callable[..., Any]
_CLOSED = "ConnectionClosed"  # the library's errors for it, and their common base


def _send_request(wrapped: _Function, protocol: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    safely(_opened, protocol, args[0] if args else kwargs["request"])
    return wrapped(*args, **kwargs)


def _send(wrapped: _Function, connection: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    session = _session(connection)
    if session is None:
        return wrapped(*args, **kwargs)
    attempt = session.sent(args[0] if args else kwargs.get("message"))
    try:
        return wrapped(*args, **kwargs)
    except Exception:
        session.unsent(attempt)
        raise


async def _asend(wrapped: _Function, connection: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    session = _session(connection)
    if session is None:
        return await wrapped(*args, **kwargs)
    attempt = session.sent(args[0] if args else kwargs.get("message"))
    try:
        return await wrapped(*args, **kwargs)
    except Exception:
        session.unsent(attempt)
        raise


def _recv(wrapped: _Function, connection: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    session = _session(connection)
    if session is None:
        return wrapped(*args, **kwargs)
    try:
        message = wrapped(*args, **kwargs)
    except Exception as error:
        _broken(session, error)
        raise
    session.received(message)
    return message


async def _arecv(wrapped: _Function, connection: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    session = _session(connection)
    if session is None:
        return await wrapped(*args, **kwargs)
    try:
        message = await wrapped(*args, **kwargs)
    except Exception as error:
        _broken(session, error)
        raise
    session.received(message)
    return message


def _close(wrapped: _Function, connection: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    session = _session(connection)
    if session is not None:
        session.left()
    return wrapped(*args, **kwargs)


def _wanted() -> bool:
    return state.recorder is not None


_SYNC = {"Connection": {"send": _send, "recv": _recv, "close": _close}}
_ASYNC = {"Connection": {"send": _asend, "recv": _arecv, "close": _close}}
SEAMS = (
    Seam("websockets.client", {"ClientProtocol": {"send_request": _send_request}}, _wanted),
    Seam("websockets.sync.connection", _SYNC, _wanted),
    Seam("websockets.asyncio.connection", _ASYNC, _wanted),
)


@guarded
def _session(connection: Any) -> Session | None:
    return getattr(connection.protocol, "tollspan_session", None) if state.recorder is not None else None


@guarded
def _broken(session: Session, error: Exception) -> None:
    if any(kind.__name__ == _CLOSED for kind in type(error).__mro__):
        session.lost(error)


def _opened(protocol: Any, request: Any) -> None:
    headers, recorder = request.headers, state.recorder
    host = (headers.get("Host") or "").rpartition("@")[2].partition(":")[0]
    where = opened(host, request.path, state.provider_of(host))
    if where is None or recorder is None:
        return
    said = lowered(headers.raw_items())
    outgoing = Outgoing(
        method="GET",
        host=host,
        path=where.path,
        headers=lambda: said,
        drop_header=lambda name: headers.pop(name, None),
        body=bytes,
    )
    protocol.tollspan_session = Session(where, recorder, kept_here(outgoing, said), open_attempt)
