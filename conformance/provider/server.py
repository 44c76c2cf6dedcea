"""The HTTP side: every request belongs to a case, every attempt stands on the bill.

A client's base address is ``{url}/STACK/CASE/TRAITS``: the path says whom a request belongs to, so that no SDK must
be taught a header. Traits are joined by ``+``: faults (:mod:`conformance.provider.fault`), and what a call uses or
states: ``cached``, ``reasoning``, ``tool-prompt``, ``ttl`` (cache writes by lifetime), ``audio``, ``image``,
``web-search``, ``web-fetch``, ``compaction``, ``geo``, ``fast``, ``seconds``, ``tier-NAME``, ``as-VENDOR``;
``pending-once``, ``one-errored``, ``one-expired`` and ``in-file`` (Gemini) for what is fetched later; ``json``: what is
written is a JSON document.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from conformance.bill import Attempt
from conformance.provider import fault, form, realtime
from conformance.provider.api import endpoint_of, on_its_terms
from conformance.provider.draw import Draw, draw, draw_units, without_caches
from conformance.provider.endpoint import UNIT_TRAITS, Api, Call, Errand, Payload, Request
from conformance.provider.vendors import VENDORS
from tollspan_rater.demo.provider.answer import WORDS
from tollspan_rater.demo.provider.bill import Counts
from tollspan_rater.demo.provider.loopback import LoopbackHandler, LoopbackServer

THINKING_S = 0.02  # calls take a little while, so that parallel ones overlap
NOTHING = Draw(Counts(0, 0, 0, 0, 0, 0))


@dataclass(frozen=True, slots=True)
class Admitted:
    """An attempt that stands on the bill: how it is answered, and with what."""

    status: int
    call: Call
    first: bool


class Provider:
    """The provider on 127.0.0.1, serving while it is entered; ``attempts`` is its bill, oldest first.

    ``requests`` are the headers of all requests, lower-cased. ``thinking_s`` passes before a call is answered.
    """

    def __init__(self, *, thinking_s: float = THINKING_S) -> None:
        self.attempts: list[Attempt] = []
        self.requests: list[dict[str, str]] = []
        self.thinking_s = thinking_s
        self.closing = threading.Event()
        self._seen: Counter[tuple[str, str]] = Counter()
        self._made: Counter[tuple[str, str]] = Counter()
        self._shelves: defaultdict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
        self._lock = threading.Lock()
        self._server = _Server(self)

    @property
    def url(self) -> str:
        """The address before ``/STACK/CASE/TRAITS``."""
        return self._server.url

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *_about: object) -> None:
        self.closing.set()
        self._server.__exit__()

    def admit(self, api: Api, request: Request) -> Admitted:
        """Write an attempt onto the bill; a free API is worked on and stands on none."""
        with self._lock:
            number = self._seen[request.stack, request.case]
            status = fault.status_of(request.traits, first=number == 0)
            drawn = _drawn(api, request, number) if status == fault.OK else NOTHING
            call = Call(request, api.prefix + self._digest(request, "", number), drawn)
            if not api.free:
                self._seen[request.stack, request.case] += 1
                self.attempts.append(_attempt(api, call, status))
                self.shelf(request)[call.response_id] = call
        return Admitted(status, call, first=number == 0)

    def new_id(self, request: Request, prefix: str) -> str:
        """Return an id for something that is no call."""
        with self._lock:
            self._made[request.stack, request.case] += 1
            return prefix + self._digest(request, "made ", self._made[request.stack, request.case])

    def shelf(self, request: Request) -> dict[str, Any]:
        """Return what a case has left behind."""
        return self._shelves[request.stack, request.case]

    def _digest(self, request: Request, what: str, number: int) -> str:
        return hashlib.sha256(f"{what}{request.stack} {request.case} {number}".encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class _CaseDesk:
    """What errands of one case work with."""

    provider: Provider
    request: Request
    shelf: dict[str, Any]

    def call(self, api: Api, request: Request, *, tier: str = "") -> Call:
        api = on_its_terms(api, request)
        return self.provider.admit(replace(api, tier=tier) if tier else api, request).call

    def new_id(self, prefix: str) -> str:
        return self.provider.new_id(self.request, prefix)


def _drawn(api: Api, request: Request, number: int) -> Draw:
    case = f"{request.stack}/{request.case}"
    drawn = draw(case, number, request.traits)
    drawn = without_caches(drawn, written=not api.writes_caches, read=not api.reads_caches)
    counts = drawn.counts
    if not api.writes_text:
        counts = Counts(counts.input, 0, 0, 0, 0, 0)
    if not api.tells_reasoning:
        counts = replace(counts, reasoning=0)
    if not api.reads_text:
        counts = replace(counts, input=0, cache_read=0, cache_write_5m=0, cache_write_1h=0)
    wanted = {name for trait in request.traits for name in UNIT_TRAITS.get(trait, ())}
    units = draw_units(case, number, {*api.units, *(wanted & set(api.optional))})
    return replace(drawn, counts=counts, units=units)


def _attempt(api: Api, call: Call, status: int) -> Attempt:
    counts, units = call.drawn.counts, call.drawn.units
    request = call.request
    return Attempt(
        stack=request.stack,
        case=request.case,
        api=api.name,
        status=status,
        response_id=call.response_id,
        input=counts.input + units.get("compaction_in", 0),
        cache_read=counts.cache_read,
        cache_write=counts.cache_write,
        output=counts.output + units.get("compaction_out", 0),
        reasoning=counts.reasoning,
        model=request.model,
        tier=request.tier or api.tier,
        units={name: count for name, count in units.items() if not name.startswith("compaction")},
    )


class _Server(LoopbackServer):
    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        super().__init__(_Handler)


class _Handler(LoopbackHandler):
    server: _Server

    def get(self) -> None:
        """Answer a request that fetches something."""
        self._serve({})

    def post(self) -> None:
        """Answer a call of a case."""
        body = self.read_body()
        self._serve(form.document(body, self.headers.get("content-type") or ""))

    def _serve(self, body: Mapping[str, Any]) -> None:
        provider, split = self.server.provider, urlsplit(self.path)
        provider.requests.append({name.lower(): value for name, value in self.headers.items()})
        path = unquote(split.path)
        parts = path.split("/", 4)
        if (self.headers.get("upgrade") or "").lower() == "websocket":
            self._speak(parts, dict(parse_qsl(split.query)))
            return
        found = endpoint_of(self.command, f"/{parts[-1]}", body) if len(parts) > 4 else None  # noqa: PLR2004 - "", stack, case, traits, the API's path
        if found is None:
            self.answer_nothing_here(path)
            return
        endpoint, named = found
        url = f"{provider.url}{'/'.join(parts[:4])}"
        query = dict(parse_qsl(split.query))
        request = Request(parts[1], parts[2], frozenset(parts[3].split("+")), body, named, query, url)
        if request.vendor not in VENDORS:
            self.answer_nothing_here(f"{path}: no such vendor")
        elif isinstance(endpoint, Errand):
            self._errand(endpoint, request)
        else:
            self._call(endpoint, request)

    def _speak(self, parts: list[str], query: Mapping[str, str]) -> None:
        provider = self.server.provider
        self.close_connection = True
        request = Request(parts[1], parts[2], frozenset(parts[3].split("+")), {}, {}, query)

        def admit(api: Api, request: Request) -> Call:
            return provider.admit(on_its_terms(api, request), request).call

        realtime.serve(self.connection, self.path, dict(self.headers.items()), request, admit)

    def _errand(self, errand: Errand, request: Request) -> None:
        provider = self.server.provider
        answer = errand.run(request, _CaseDesk(provider, request, provider.shelf(request)))
        if answer is None:
            self.answer_nothing_here(self.path)
        elif isinstance(answer, Payload):
            self.answer(fault.OK, answer.data, {"Content-Type": answer.content_type})
        else:
            self.answer_json(fault.OK, fault.robbed(answer, request.traits), _ids(provider.new_id(request, "e")))

    def _call(self, api: Api, request: Request) -> None:
        provider = self.server.provider
        api = on_its_terms(api, request)
        admitted = provider.admit(api, request)
        call = admitted.call
        time.sleep(provider.thinking_s)
        if admitted.status != fault.OK:
            headers = {"retry-after-ms": "1", "x-amzn-errortype": "ThrottlingException"}
            self.answer_json(admitted.status, fault.error_body(admitted.status), headers)
            return
        if fault.hangs(request.traits, first=admitted.first):
            provider.closing.wait(fault.HANG_S)
        if api.answers_in_events(request):
            self._stream(api, call)
            return
        answer = api.whole(call)
        if isinstance(answer, Payload):
            headers = {"Content-Type": answer.content_type, **_ids(call.response_id), **answer.headers}
            self.answer(fault.OK, answer.data, headers)
        else:
            self.answer_json(
                fault.OK, fault.robbed(said(answer, request.traits), request.traits), _ids(call.response_id)
            )

    def _stream(self, api: Api, call: Call) -> None:
        traits = call.request.traits
        self.begin_stream(api.stream.content_type, _ids(call.response_id))
        for number, event in enumerate(api.events(call) if api.events else ()):
            if number == fault.EVENTS_BEFORE_FAULT and "cut" in traits:
                self.close_connection = True
                return
            if number == fault.EVENTS_BEFORE_FAULT and "error-event" in traits:
                self.chunk(api.stream.encode(api.stream.failure))
                break
            if "slow" in traits and self.server.provider.closing.wait(fault.SLOW_S):
                return
            self.chunk(api.stream.encode(replace(event, data=fault.robbed(event.data, traits))))
        self.chunk(b"")


def said(answer: Any, traits: Collection[str]) -> Any:
    """Return an answer with the text that the case wants."""
    if "json" not in traits:
        return answer
    return json.loads(json.dumps(answer).replace(json.dumps("".join(WORDS)), json.dumps(json.dumps({"said": "x"}))))


def _ids(response_id: str) -> dict[str, str]:
    return dict.fromkeys(("x-request-id", "request-id", "x-amzn-requestid"), f"req_{response_id}")
