"""Meters ``Client.send`` and ``AsyncClient.send`` of httpx2 and httpx, the seam that every attempt goes through.

Both libraries have the same classes; neither is imported here. A response whose body is still to come gets a
subclass that watches the body pass, and no reference cycle, so that a dropped response is noticed at once.
"""

from __future__ import annotations

import json
import sys
import weakref
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import wrapt
from opentelemetry import baggage, context

from tollspan.attempt import RETRY_COUNT_HEADER, Attempt, Recorder, Sent
from tollspan.guarded import guarded
from tollspan.routes import Route, provider_of, route
from tollspan.semconv import UsageApi

LIBRARIES = ("httpx2", "httpx")

_Send = Callable[..., Any]


class _State:
    """What the hooks work with; no recorder: they let everything pass."""

    recorder: Recorder | None = None
    include_usage_hosts: frozenset[str] = frozenset()
    waiting: frozenset[str] = frozenset()


_state = _State()
_open: weakref.WeakSet[Any] = weakref.WeakSet()
_kinds: dict[type, type] = {}  # response class -> the same with _Watched mixed in


class Hook(wrapt.FunctionWrapper[..., Any]):
    """A wrapper of ours, told apart from those of others."""


def patch(recorder: Recorder, include_usage_hosts: frozenset[str]) -> None:
    """Hook the libraries, those not imported yet when they are. Idempotent."""
    _state.recorder, _state.include_usage_hosts = recorder, include_usage_hosts
    for name in LIBRARIES:
        if name in sys.modules:
            _hook(sys.modules[name])
        elif name not in _state.waiting:
            _state.waiting |= {name}
            wrapt.register_post_import_hook(_hook, name)


def unpatch() -> None:
    """Take the hooks out again; one that others have wrapped since stays and does nothing."""
    _state.recorder = None
    for name in LIBRARIES:
        for kind in ("Client", "AsyncClient"):
            client: Any = getattr(sys.modules.get(name), kind, None)
            hook = vars(client).get("send") if client is not None else None
            if isinstance(hook, Hook):
                client.send = hook.__wrapped__


@guarded
def abort_open() -> None:
    """End, as aborted, every attempt whose body nobody will read any more; for the end of the process."""
    for response in list(_open):
        response.tollspan_attempt.abort()


@guarded
def _hook(library: Any) -> None:
    if _state.recorder is None:
        return
    for client, hook in ((library.Client, _send), (library.AsyncClient, _asend)):
        if not isinstance(vars(client)["send"], Hook):
            client.send = Hook(vars(client)["send"], hook)


def _send(wrapped: _Send, _client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    begun = _begin(args, kwargs)
    if begun is None:
        return wrapped(*args, **kwargs)
    attempt, args, kwargs = begun
    with _no_baggage():
        try:
            response = wrapped(*args, **kwargs)
        except BaseException as error:
            _fail(attempt, error)
            raise
    _watch(attempt, response)
    return response


async def _asend(wrapped: _Send, _client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    begun = _begin(args, kwargs)
    if begun is None:
        return await wrapped(*args, **kwargs)
    attempt, args, kwargs = begun
    with _no_baggage():
        try:
            response = await wrapped(*args, **kwargs)
        except BaseException as error:
            _fail(attempt, error)
            raise
    _watch(attempt, response)
    return response


@guarded
def _begin(
    args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Attempt | None, tuple[Any, ...], dict[str, Any]] | None:
    """Look at a request; ``None`` for foreign traffic, else the attempt (none when free) and what to send with."""
    recorder = _state.recorder
    request = args[0] if args else kwargs["request"]
    found = route(request.method, request.url.path)
    known = provider_of(request.url.host) is not None
    if recorder is None or (found is None and not known):
        return None
    sent = None if found is None or found.api is None else _sent(request, found, found.api)
    named = sent is not None and sent.model is not None
    if not (known or named or (found is not None and found.api is None)):
        return None
    request.headers.pop("baggage", None)
    if sent is None:
        return None, args, kwargs
    if sent.swallow_usage:
        asking = _asking(request, sent.body)
        args, kwargs = ((asking, *args[1:]), kwargs) if args else (args, {**kwargs, "request": asking})
    return Attempt(sent, recorder), args, kwargs


def _sent(request: Any, found: Route, api: UsageApi) -> Sent:
    raw = _raw_body(request) or b""
    body = _document(raw)
    retries = request.headers.get(RETRY_COUNT_HEADER, "")
    return Sent(
        api=api,
        route=found,
        host=request.url.host,
        path=request.url.path,
        body=body,
        raw_body=raw,
        retries=int(retries) if retries.isdecimal() else 0,
        swallow_usage=api == "openai.chat" and _must_ask(request.url.host, body),
    )


def _must_ask(host: str, body: Mapping[str, Any]) -> bool:
    options = body.get("stream_options") or {}
    asked = isinstance(options, dict) and options.get("include_usage") is True
    return host in _state.include_usage_hosts and body.get("stream") is True and not asked


def _asking(request: Any, body: Mapping[str, Any]) -> Any:
    """Return the same request with usage asked for."""
    options = {**(body.get("stream_options") or {}), "include_usage": True}
    headers = [(name, value) for name, value in request.headers.multi_items() if name.lower() != "content-length"]
    content = json.dumps({**body, "stream_options": options}).encode()
    kind = type(request)
    return kind(request.method, request.url, headers=headers, content=content, extensions=request.extensions)


@guarded
def _raw_body(request: Any) -> bytes:
    return bytes(request.content)


def _document(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


@contextmanager
def _no_baggage() -> Iterator[None]:
    """Hide the application's baggage from what runs below, which would send it to the provider."""
    token = _hide_baggage()
    try:
        yield
    finally:
        if token is not None:
            context.detach(token)


@guarded
def _hide_baggage() -> Any:
    return context.attach(baggage.clear()) if baggage.get_all() else None


def _fail(attempt: Attempt | None, error: BaseException) -> None:
    if attempt is not None:
        attempt.fail(error)


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
    _open.add(response)


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
        attempt = self.tollspan_attempt
        while True:
            attempt.reading = True
            try:
                piece = next(pieces)
            except StopIteration:
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
