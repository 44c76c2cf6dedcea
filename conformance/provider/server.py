"""The HTTP side: every request belongs to a case, every attempt stands on the bill.

A client's base address is ``{url}/STACK/CASE/TRAITS``: the path says whom a request belongs to, so that no SDK must
be taught a header. Traits are joined by ``+``: ``cached``, ``reasoning``, ``tool-prompt``, ``no-usage``, a status for
every attempt (``429``) or for the first alone (``500-once``), ``cut`` for a stream whose connection breaks.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from conformance.bill import Attempt
from conformance.provider.api import Api, api_of
from conformance.provider.draw import Draw, draw, without_caches
from tollspan_rater.demo.provider.answer import Asked, Event
from tollspan_rater.demo.provider.bill import Counts
from tollspan_rater.demo.provider.loopback import LoopbackHandler, LoopbackServer

THINKING_S = 0.02  # calls take a little while, so that parallel ones overlap
EVENTS_BEFORE_CUT = 4
NOTHING = Draw(Counts(0, 0, 0, 0, 0, 0))
ERRORS = {429: "rate_limit_error", 500: "api_error", 529: "overloaded_error"}


@dataclass(frozen=True, slots=True)
class Request:
    """One attempt as the server sees it."""

    stack: str
    case: str
    traits: frozenset[str]
    api: Api
    body: Mapping[str, Any]

    @property
    def streams(self) -> bool:
        """Whether a stream is asked for."""
        return self.api.always_streams or self.body.get("stream") is True


class Provider:
    """The provider on 127.0.0.1, serving while it is entered; ``attempts`` is its bill, oldest first."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self._seen: Counter[tuple[str, str]] = Counter()
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
        self._server.__exit__()

    def admit(self, request: Request) -> tuple[int, Draw, str]:
        """Write an attempt onto the bill; return the status to answer with, what it uses and its response id."""
        with self._lock:
            number = self._seen[request.stack, request.case]
            self._seen[request.stack, request.case] += 1
            status = _status(request.traits, first=number == 0)
            drawn = _drawn(request, number) if status == 200 else NOTHING  # noqa: PLR2004 - the status "OK"
            digest = hashlib.sha256(f"{request.stack} {request.case} {number}".encode()).hexdigest()[:24]
            response_id = request.api.prefix + digest
            self.attempts.append(_attempt(request, status, drawn.counts, response_id))
        return status, drawn, response_id


def _status(traits: frozenset[str], *, first: bool) -> int:
    for trait in traits:
        code, _, once = trait.partition("-")
        if code.isdigit() and (first or not once):
            return int(code)
    return 200


def _drawn(request: Request, number: int) -> Draw:
    api = request.api
    drawn = draw(f"{request.stack}/{request.case}", number, request.traits)
    drawn = without_caches(drawn, written=not api.writes_caches, read=not api.reads_caches)
    if api.writes_text:
        return drawn
    return Draw(Counts(drawn.counts.input, 0, 0, 0, 0, 0))


def _attempt(request: Request, status: int, counts: Counts, response_id: str) -> Attempt:
    return Attempt(
        stack=request.stack,
        case=request.case,
        api=request.api.name,
        status=status,
        response_id=response_id,
        input=counts.input,
        cache_read=counts.cache_read,
        cache_write=counts.cache_write,
        output=counts.output,
        reasoning=counts.reasoning,
    )


class _Server(LoopbackServer):
    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        super().__init__(_Handler)


class _Handler(LoopbackHandler):
    server: _Server

    def post(self) -> None:
        """Answer a call of a case."""
        body = self.read_body()
        path = unquote(urlsplit(self.path).path)
        found = api_of(path)
        parts = path.split("/")
        if found is None or len(parts) < 5:  # noqa: PLR2004 - "", stack, case, traits, the API's path
            self.answer_nothing_here(path)
            return
        api, model = found
        document = {"model": model, **json.loads(body)}
        request = Request(parts[1], parts[2], frozenset(parts[3].split("+")), api, document)
        status, drawn, response_id = self.server.provider.admit(request)
        time.sleep(THINKING_S)
        if status in ERRORS:
            self._error(status)
            return
        asked = Asked(document, response_id, drawn.counts, "no-usage" if "no-usage" in request.traits else "")
        if request.streams and api.events is not None:
            self._stream(api, api.events(asked, drawn), response_id, cut="cut" in request.traits)
        else:
            self.answer_json(200, api.whole(asked, drawn), _ids(response_id))

    def _error(self, status: int) -> None:
        said = {"type": ERRORS[status], "message": "asked for", "code": status, "status": "RESOURCE_EXHAUSTED"}
        headers = {"retry-after-ms": "1", "x-amzn-errortype": "ThrottlingException"}
        self.answer_json(status, {"type": "error", "error": said, "message": "asked for"}, headers)

    def _stream(self, api: Api, events: Iterator[Event | bytes], response_id: str, *, cut: bool) -> None:
        self.begin_stream(api.stream_type, _ids(response_id))
        for number, event in enumerate(events):
            if cut and number == EVENTS_BEFORE_CUT:
                self.close_connection = True
                return
            self.chunk(event if isinstance(event, bytes) else _encoded(event))
        self.chunk(b"")


def _ids(response_id: str) -> dict[str, str]:
    return dict.fromkeys(("x-request-id", "request-id", "x-amzn-requestid"), f"req_{response_id}")


def _encoded(event: Event) -> bytes:
    data = event.data if isinstance(event.data, str) else json.dumps(event.data, separators=(",", ":"))
    return (f"event: {event.name}\n" if event.name else "").encode() + f"data: {data}\n\n".encode()
