"""What every wire does with a request: is it an LLM call, whose baggage stays here, and the attempt that it begins."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from fnmatch import fnmatchcase
from types import TracebackType
from typing import Any, NamedTuple

from opentelemetry import baggage, context

from tollspan.attempt import Attempt, Recorder
from tollspan.attribution import Attribution, current, over
from tollspan.carrier import HEADER_PREFIX, header_keys, to_baggage
from tollspan.document import parsed
from tollspan.fingerprint import fingerprint
from tollspan.guarded import guarded, safely
from tollspan.hosts import ProviderOf, look_up
from tollspan.linking import told_retries
from tollspan.multipart import KIND, texts
from tollspan.routes import Route, route
from tollspan.semconv import BatchUsage, UsageApi
from tollspan.sent import Sent
from tollspan.suppression import without_http_spans

BAGGAGE_HEADER = "baggage"  # W3C


class State:
    """What the hooks work with; no recorder: they let everything pass."""

    recorder: Recorder | None = None
    provider_of: ProviderOf = staticmethod(look_up({}))
    include_usage_hosts: frozenset[str] = frozenset()
    propagate_to: tuple[str, ...] = ()
    fingerprint_key: bytes | None = None
    batch_usage: BatchUsage = "lines"
    suppress_http_spans: bool = False


state = State()

# One wire can lie over another (httpx over aiohttp, requests over urllib3): the upper one has the attempt.
_inside: ContextVar[bool] = ContextVar("tollspan_inside_an_attempt", default=False)


class Outgoing(NamedTuple):
    """A request as a wire sees it.

    ``headers``, by lower-case names, and ``body`` are asked for only when the request may be an LLM call.
    """

    method: str
    host: str
    path: str
    headers: Callable[[], Mapping[str, str]]
    drop_header: Callable[[str], object]
    body: Callable[[], bytes]
    set_header: Callable[[str, str], object] | None = None
    can_ask: bool = False


class Begun(NamedTuple):
    """A request to a provider: the attempt (``None`` when it is free), and the body to send in place of its own."""

    attempt: Attempt | None
    asking: bytes | None = None


def concerns(method: str, host: str, path: str) -> bool:
    """Tell whether a request may be a provider's; for wires that most of an application's other traffic passes."""
    provider = state.provider_of(host)
    return provider is not None or route(method, path, provider) is not None


def begin(outgoing: Outgoing) -> Begun | None:
    """Look at a request; ``None`` for foreign traffic, which is left as it is, or gets attribution if its host may.

    Of a provider's request the baggage header and the ``x-tollspan-`` headers are taken away; the latter say for
    whom this one call is, over the attribution in force.
    """
    recorder = state.recorder
    if recorder is None or _inside.get():
        return None
    provider = state.provider_of(outgoing.host)
    found = route(outgoing.method, outgoing.path, provider)
    api = None if found is None or found.batch not in (None, state.batch_usage) else found.api
    headers = {} if found is None and provider is None else outgoing.headers()
    sent = None if found is None or api is None else _sent(outgoing, headers, found, api, provider)
    if provider is None and (found is None or (sent is not None and not sent.named)):
        _propagate(outgoing)
        return None
    whose = kept_here(outgoing, headers)
    if sent is None:
        return Begun(None)
    return Begun(Attempt(sent, recorder, whose), _asking(sent.body) if sent.swallow_usage else None)


def kept_here(outgoing: Outgoing, headers: Mapping[str, str]) -> Attribution:
    """Take out of a provider's request what stays here; return for whom it is, all told."""
    whose = current()
    if names := [name for name in headers if name.startswith(HEADER_PREFIX)]:
        whose = safely(_override, outgoing, headers, names, whose) or whose
    if BAGGAGE_HEADER in headers:
        outgoing.drop_header(BAGGAGE_HEADER)
    return whose


def lowered(items: Iterable[tuple[str | bytes, str | bytes]]) -> dict[str, str]:
    """Return headers by lower-case name; values of the same one are joined, as HTTP has it."""
    found: dict[str, str] = {}
    for name, value in items:
        key = (name if isinstance(name, str) else name.decode("latin-1")).lower()
        text = value if isinstance(value, str) else value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


@guarded
def inside() -> bool:
    """Tell whether a provider's request is being sent here, by this wire or by one above."""
    return _inside.get()


def stays_here(name: str) -> bool:
    """Tell whether a header never goes to a provider: Baggage, and what is said to tollspan."""
    return name.lower() == BAGGAGE_HEADER or name.lower().startswith(HEADER_PREFIX)


def _propagate(outgoing: Outgoing) -> None:
    """Write the attribution in force into the Baggage of a request to a host that is on the list."""
    host = outgoing.host.lower()
    if outgoing.set_header is None or not any(fnmatchcase(host, pattern) for pattern in state.propagate_to):
        return
    if members := to_baggage(current(), outgoing.headers().get(BAGGAGE_HEADER)):
        outgoing.set_header(BAGGAGE_HEADER, members)


def _override(outgoing: Outgoing, headers: Mapping[str, str], names: Sequence[str], whose: Attribution) -> Attribution:
    """Take the headers that are meant for tollspan out of a request; return for whom it is, all told."""
    try:
        return over(whose, header_keys(names, headers.get))
    finally:
        for name in names:
            outgoing.drop_header(name)


class sending:  # noqa: N801 - reads as what it surrounds; a class enters in a third of a generator's time
    """Surround the library's own sending: the application's baggage is hidden, and wires below stay quiet.

    An error of the library's ends the attempt, where there is one, and goes on its way.
    """

    __slots__ = ("_attempt", "_hidden", "_inside")

    def __init__(self, attempt: Attempt | None) -> None:
        self._attempt = attempt

    @guarded
    def __enter__(self) -> None:
        self._hidden = _hidden()
        self._inside = _inside.set(True)  # last: where an interrupt comes before it, the next call is metered

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is not None and self._attempt is not None:
            self._attempt.fail(error)
        self._leave()

    @guarded
    def _leave(self) -> None:
        _inside.reset(self._inside)
        if self._hidden is not None:
            context.detach(self._hidden)


@guarded
def _hidden() -> Any:
    here = context.get_current()
    found = baggage.clear(here) if here and baggage.get_all(here) else None
    if state.suppress_http_spans:
        found = without_http_spans(found)
    return None if found is None else context.attach(found)


def _sent(outgoing: Outgoing, headers: Mapping[str, str], found: Route, api: UsageApi, provider: str | None) -> Sent:
    raw = safely(outgoing.body) or b""
    kind = headers.get("content-type", "")
    if kind.startswith(KIND):
        body: dict[str, Any] = dict(texts(kind, raw))
        raw = json.dumps([body, len(raw)]).encode()  # in place of the files, which may be large
    else:
        body = _document(raw)
    key = state.fingerprint_key
    return Sent(
        api=api,
        route=found,
        provider=provider or found.provider,
        host=outgoing.host,
        path=outgoing.path,
        body=body,
        raw_body=raw,
        known=provider is not None,
        retries=told_retries(headers.get),
        swallow_usage=outgoing.can_ask and api == "openai.chat" and _must_ask(outgoing.host, body),
        keyed_fingerprint=None if key is None else safely(fingerprint, key, outgoing.host, outgoing.path, body),
    )


def _must_ask(host: str, body: Mapping[str, Any]) -> bool:
    options = body.get("stream_options") or {}
    asked = isinstance(options, dict) and options.get("include_usage") is True
    return host in state.include_usage_hosts and body.get("stream") is True and not asked


def _asking(body: Mapping[str, Any]) -> bytes:
    """Return the same body with usage asked for."""
    options = {**(body.get("stream_options") or {}), "include_usage": True}
    return json.dumps({**body, "stream_options": options}).encode()


def _document(raw: bytes) -> dict[str, Any]:
    found = parsed(raw)
    return found if isinstance(found, dict) else {}
