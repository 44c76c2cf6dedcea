"""What an endpoint is: an API whose calls stand on the bill, or an errand that is no call itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from conformance.provider.draw import Draw
from tollspan_rater.demo.provider.answer import Asked, Event


@dataclass(frozen=True, slots=True)
class Request:
    """One attempt as the server sees it.

    ``body`` is its JSON document, or the fields of its form; ``named`` are the groups of the endpoint's path;
    ``url`` is the address up to the traits.
    """

    stack: str
    case: str
    traits: frozenset[str]
    body: Mapping[str, Any]
    named: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    url: str = ""

    @property
    def model(self) -> str:
        """The model asked for, wherever the API names it."""
        return str(self.named.get("model") or self.body.get("model") or "")

    @property
    def streams(self) -> bool:
        """Whether a stream is asked for."""
        return str(self.body.get("stream")).lower() == "true"

    @property
    def vendor(self) -> str:
        """The vendor whose members the usage object has: trait ``as-VENDOR``."""
        return self._after("as-")

    @property
    def tier(self) -> str:
        """The service tier to answer with: trait ``tier-NAME``; "" is the API's own."""
        return self._after("tier-")

    def _after(self, beginning: str) -> str:
        return next((trait.removeprefix(beginning) for trait in self.traits if trait.startswith(beginning)), "")


@dataclass(frozen=True, slots=True)
class Call:
    """A call to answer: its request, its response id, what it uses."""

    request: Request
    response_id: str
    drawn: Draw

    @property
    def asked(self) -> Asked:
        """The call as the demo's wire formats want it."""
        fault = next((trait for trait in ("no-usage", "null-usage") if trait in self.request.traits), "")
        body = {**self.request.body, "model": self.request.model}
        return Asked(body, self.response_id, self.drawn.counts, fault)

    def has(self, trait: str) -> bool:
        """Whether the case asks for a trait."""
        return trait in self.request.traits


@dataclass(frozen=True, slots=True)
class Payload:
    """An answer that is no JSON document."""

    data: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stream:
    """How the events of a stream are written; ``failure`` is the one that breaks it."""

    content_type: str
    encode: Callable[[Event], bytes]
    failure: Event


def _server_sent(event: Event) -> bytes:
    data = event.data if isinstance(event.data, str) else json.dumps(event.data, separators=(",", ":"))
    return (f"event: {event.name}\n" if event.name else "").encode() + f"data: {data}\n\n".encode()


def _line(event: Event) -> bytes:
    return json.dumps(event.data).encode() + b"\n"


OVERLOADED = Event({"type": "error", "error": {"type": "overloaded_error", "message": "asked for"}}, "error")
SERVER_SENT = Stream("text/event-stream", _server_sent, OVERLOADED)
JSON_LINES = Stream("application/x-ndjson", _line, Event({"error": "asked for"}))


def _as_it_is(_request: Request) -> Mapping[str, Any]:
    return {}


Whole = Callable[[Call], Any]
Events = Callable[[Call], Iterator[Event]]


@dataclass(frozen=True, slots=True)
class Api:
    """One API: requests of ``method`` whose path ends as ``path`` (its group ``model`` names the model).

    ``streams`` says who decides: ``"asked"`` the body, ``"always"`` the path, ``"unless"`` streams if the body does
    not say no. ``units`` stand on every bill of it, ``optional`` ones where a trait of ``UNIT_TRAITS`` asks for them.
    A free API stands on no bill. ``terms`` tells what a request changes of all this: other vendor, other model.
    """

    name: str
    path: str
    prefix: str
    whole: Whole
    events: Events | None = None
    stream: Stream = SERVER_SENT
    streams: str = "asked"
    method: str = "POST"
    free: bool = False
    tier: str = ""
    units: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    writes_caches: bool = True
    reads_caches: bool = True
    reads_text: bool = True
    writes_text: bool = True
    tells_reasoning: bool = True
    terms: Callable[[Request], Mapping[str, Any]] = _as_it_is

    def answers_in_events(self, request: Request) -> bool:
        """Whether a request is answered as a stream."""
        if self.events is None or self.streams != "unless":
            return self.events is not None and (self.streams == "always" or request.streams)
        return request.body.get("stream") is not False


UNIT_TRAITS: Mapping[str, tuple[str, ...]] = {
    "audio": ("audio_in", "audio_out"),
    "image": ("image_in",),
    "web-search": ("web_search", "citation", "search_source"),
    "web-fetch": ("web_fetch",),
    "compaction": ("compaction_in", "compaction_out"),
}


class Desk(Protocol):
    """What errands need of the server: what a case has left behind, and calls that run on its bill."""

    @property
    def shelf(self) -> dict[str, Any]:
        """What the case has left behind, to be added to."""
        ...

    def call(self, api: Api, request: Request, *, tier: str = "") -> Call:
        """Put a call of an API onto the bill as answered; return what it uses and its id."""
        ...

    def new_id(self, prefix: str) -> str:
        """Return an id that nothing else of the run has."""
        ...


@dataclass(frozen=True, slots=True)
class Errand:
    """An endpoint that is no call: it keeps, or hands out, what calls came to. Never on the bill by itself.

    With a ``flag`` it takes only requests whose body says true there. ``None`` is the answer that there is no such
    thing.
    """

    method: str
    path: str
    run: Callable[[Request, Desk], Any]
    flag: str = ""


Endpoint = Api | Errand
