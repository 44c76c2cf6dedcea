"""The HTTP side of the fake provider: endpoints as a table, faults, streams, the bill.

A fault is named by the header ``x-demo-fault`` or by the end of the model's name (``gpt-4o!cut``):

- ``429-once``, ``500-once``: the first attempt fails, a retry succeeds; ``429``, ``500``: every attempt fails;
- ``hang-once``: the first attempt is worked on, and charged, but answered too late;
- ``cut``: a stream's connection ends in its middle; ``error-event``: a stream reports an error there;
- ``no-usage``, ``null-usage``: the answer lacks its usage.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from tollspan_rater.demo.provider import anthropic_api, openai_api
from tollspan_rater.demo.provider.answer import Asked, Event
from tollspan_rater.demo.provider.bill import Bill, draw
from tollspan_rater.demo.provider.loopback import LoopbackHandler, LoopbackServer

HANG_SECONDS = 5.0  # longer than the timeout of a client that wants to see one
EVENTS_BEFORE_FAULT = 4
OVERLOADED = Event({"type": "error", "error": {"type": "overloaded_error", "message": "asked for"}}, "error")
ERRORS = {429: "rate_limit_error", 500: "api_error"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How one API answers; ``prefix`` begins its response ids, a free one is not charged."""

    provider: str
    api: str
    prefix: str
    whole: Callable[[Asked], dict[str, Any]]
    events: Callable[[Asked], Iterator[Event]] | None = None
    free: bool = False


ENDPOINTS: dict[str, Endpoint] = {
    "/v1/messages/count_tokens": Endpoint("anthropic", "count_tokens", "", anthropic_api.count_tokens, free=True),
    "/v1/messages": Endpoint(
        "anthropic",
        "anthropic.messages",
        "msg_",
        anthropic_api.messages,
        anthropic_api.messages_events,
    ),
    "/chat/completions": Endpoint(
        "openai",
        "openai.chat",
        "chatcmpl-",
        openai_api.chat,
        openai_api.chat_events,
    ),
    "/responses": Endpoint(
        "openai",
        "openai.responses",
        "resp_",
        openai_api.responses,
        openai_api.responses_events,
    ),
    "/embeddings": Endpoint("openai", "openai.embeddings", "emb-", openai_api.embeddings),
}


class FakeProvider:
    """A provider on 127.0.0.1; a context manager that serves while it is entered.

    ``bill`` holds what was charged, ``requests`` the headers of every request, lower-cased;
    ``asked`` is set by the first request. Port 0 takes a free one.
    """

    def __init__(self, *, seed: int = 0, port: int = 0) -> None:
        self.seed = seed
        self.bill = Bill()
        self.requests: list[dict[str, str]] = []
        self.asked = threading.Event()
        self.closing = threading.Event()
        self._count = 0
        self._lock = threading.Lock()
        self._server = _Server(self, port)

    @property
    def url(self) -> str:
        """The base address; ``{url}/v1`` is what an OpenAI client wants, ``{url}`` an Anthropic client."""
        return self._server.url

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *_about: object) -> None:
        self.closing.set()
        self._server.__exit__()

    def serve(self) -> None:
        """Serve in this thread until interrupted."""
        self._server.serve_forever()

    def next_id(self) -> str:
        """Return an id that no other answer of this seed has."""
        with self._lock:
            self._count += 1
            return hashlib.sha256(f"{self.seed} {self._count}".encode()).hexdigest()[:24]


class _Server(LoopbackServer):
    def __init__(self, provider: FakeProvider, port: int) -> None:
        self.provider = provider
        super().__init__(_Handler, port=port)


class _Handler(LoopbackHandler):
    server: _Server

    def get(self) -> None:
        """Answer the bill."""
        if urlsplit(self.path).path == "/bill":
            self.answer_json(200, self.server.provider.bill.entries)
        else:
            self.answer_nothing_here(self.path)

    def post(self) -> None:
        """Answer an API call, or fail as the fault says."""
        provider = self.server.provider
        body = self.read_body()
        provider.requests.append({name.lower(): value for name, value in self.headers.items()})
        provider.asked.set()
        path = urlsplit(self.path).path
        endpoint = next((found for ending, found in ENDPOINTS.items() if path.endswith(ending)), None)
        if endpoint is None:
            self.answer_nothing_here(path)
            return
        document = json.loads(body)
        fault = self.headers.get("x-demo-fault") or str(document.get("model", "")).partition("!")[2]
        status = self._failing(fault)
        if status:
            error = {"type": ERRORS[status], "message": "asked for", "code": None, "param": None}
            self.answer_json(status, {"type": "error", "error": error}, {"retry-after-ms": "1"})
            return
        self._answer(endpoint, document, body, fault)

    def _failing(self, fault: str) -> int | None:
        code, _, once = fault.partition("-")
        first = self.headers.get("x-stainless-retry-count", "0") == "0"
        return int(code) if code.isdigit() and (first or not once) else None

    def _answer(self, endpoint: Endpoint, document: dict[str, Any], body: bytes, fault: str) -> None:
        provider = self.server.provider
        model = str(document.get("model", ""))
        counts = draw(provider.seed, endpoint.provider, model, body)
        if endpoint.api == "openai.embeddings":
            counts = type(counts)(counts.input, 0, 0, 0, 0, 0)
        asked = Asked(document, endpoint.prefix + provider.next_id(), counts, fault)
        request_id = f"req_{asked.response_id}"
        entry: dict[str, Any] = {}
        if not endpoint.free:
            about = {"provider": endpoint.provider, "api": endpoint.api, "model": model}
            entry = provider.bill.charge({"response_id": asked.response_id, "request_id": request_id, **about}, counts)
        if fault == "hang-once" and self.headers.get("x-stainless-retry-count", "0") == "0":
            provider.closing.wait(HANG_SECONDS)
        headers = {"x-request-id": request_id, "request-id": request_id}
        if document.get("stream") is True and endpoint.events is not None:
            self._stream(endpoint.events(asked), headers, entry, fault)
        else:
            self.answer_json(200, endpoint.whole(asked), headers)

    def _stream(self, events: Iterator[Event], headers: dict[str, str], entry: dict[str, Any], fault: str) -> None:
        self.begin_stream("text/event-stream", headers)
        entry["outcome"] = "cut"
        for number, event in enumerate(events):
            if number == EVENTS_BEFORE_FAULT and fault == "cut":
                self.close_connection = True
                return
            if number == EVENTS_BEFORE_FAULT and fault == "error-event":
                self.chunk(_encoded(OVERLOADED))
                break
            self.chunk(_encoded(event))
        else:
            entry["outcome"] = "complete"
        self.chunk(b"")


def _encoded(event: Event) -> bytes:
    data = event.data if isinstance(event.data, str) else json.dumps(event.data, separators=(",", ":"))
    return (f"event: {event.name}\n" if event.name else "").encode() + f"data: {data}\n\n".encode()
