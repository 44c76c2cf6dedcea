"""OpenMeter as its specification and source describe it: CloudEvents in, remembered for 32 days, summed by meter."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from tests.export.case import Case
from tests.export.simulators.simulator import SECOND, Call, Receipt, Reply, Simulator, reply
from tollspan_rater.domain.clock import Clock

TOKEN: Final = "om-token"
NAMESPACE: Final = "default"
DEDUP_S: Final = 32 * 86_400
SETTLE_S: Final = 30
_TYPES: Final = {"application/cloudevents+json", "application/cloudevents-batch+json", "application/json"}


class OpenMeter(Simulator):
    """One namespace. ``meters``: slug -> event type; every meter adds up ``$.value``.

    The sink keeps a key for 32 days; an event whose key it knows is dropped without a word. Answers come before the
    sink has stored anything: ``SETTLE_S`` later an event can be seen.
    """

    meters: Mapping[str, str] = {"tokens-in": "input", "tokens-out": "output"}

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.stored: list[tuple[int, Mapping[str, Any]]] = []
        self._keys: dict[str, int] = {}

    def handle(self, call: Call) -> Reply:
        parts = urlsplit(call.url)
        asked = parse_qs(parts.query)
        if call.headers.get("authorization") != f"Bearer {TOKEN}":
            return _problem(401, "Unauthorized", "no or wrong token")
        match (call.method, parts.path.removeprefix("/api/v1/").split("/")):
            case ("POST", ["events"]):
                return self._ingest(call.headers.get("content-type", ""), call.body)
            case ("GET", ["events"]):
                return self._list({name: values[0] for name, values in asked.items()})
            case ("GET", ["meters", slug, "query"]):
                return self._query(slug, asked)
        return _problem(404, "Not Found", parts.path)

    def fail(self, call: Call, *, taken: bool) -> Reply:
        if taken:
            self.handle(call)
        return _problem(500, "Internal Server Error", "the event could not be produced")

    def receipts(self) -> Sequence[Receipt]:
        return [
            Receipt(event["id"], event["subject"], event["type"], Decimal(event["data"]["value"]))
            for _at, event in self.stored
            if event["type"] in self.meters.values()
        ]

    def _ingest(self, content_type: str, body: bytes) -> Reply:
        if content_type not in _TYPES:
            return _problem(400, "Bad Request", f"content type {content_type}")
        document = json.loads(body)
        events = document if isinstance(document, list) else [document]
        if any(not event.get(name) for event in events for name in ("id", "source", "specversion", "type", "subject")):
            return _problem(400, "Bad Request", "a required attribute is missing")
        for event in events:
            self._sink(event)
        return Reply(204)

    def _sink(self, event: Mapping[str, Any]) -> None:
        key = f"{NAMESPACE}-{event['source']}-{event['id']}"
        seen_ns = self._keys.get(key)
        if seen_ns is None or self.clock.now_ns() - seen_ns >= DEDUP_S * SECOND:
            self._keys[key] = self.clock.now_ns()
            self.stored.append((self.clock.now_ns(), event))

    def _visible(self) -> Iterable[tuple[int, Mapping[str, Any]]]:
        return ((at, event) for at, event in self.stored if self.clock.now_ns() - at >= SETTLE_S * SECOND)

    def _list(self, asked: Mapping[str, str]) -> Reply:
        start = _parsed(asked["from"]) if "from" in asked else self.clock.now_ns() - 72 * 3_600 * SECOND
        end = _parsed(asked["to"]) if "to" in asked else None
        rows = [
            {"event": event, "ingestedAt": _iso(at), "storedAt": _iso(at), **self._fault(event)}
            for at, event in self._visible()
            if asked.get("id", "") in event["id"]
            and asked.get("subject", "") in event["subject"]
            and start <= _parsed(event["time"])
            and (end is None or _parsed(event["time"]) <= end)
        ]
        return _ok(rows[: int(asked.get("limit", "100"))])

    def _fault(self, event: Mapping[str, Any]) -> dict[str, str]:
        known = event["type"] in self.meters.values()
        return {} if known else {"validationError": f"no meter found for event type: {event['type']}"}

    def _query(self, slug: str, asked: Mapping[str, list[str]]) -> Reply:
        if slug not in self.meters:
            return _problem(404, "Not Found", f"meter {slug}")
        start, end = _parsed(asked["from"][0]), _parsed(asked["to"][0])
        value = sum(
            (
                Decimal(event["data"]["value"])
                for _at, event in self._visible()
                if event["type"] == self.meters[slug]
                and event["subject"] in asked["subject"]
                and start <= _parsed(event["time"]) < end
            ),
            Decimal(0),
        )
        row = {"value": float(value), "windowStart": asked["from"][0], "windowEnd": asked["to"][0], "groupBy": {}}
        return _ok({"from": asked["from"][0], "to": asked["to"][0], "data": [{**row, "subject": asked["subject"][0]}]})


def _ok(document: Any) -> Reply:
    return reply(200, document)


def _problem(status: int, title: str, detail: str) -> Reply:
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail, "instance": "urn:1"}
    return reply(status, document, {"content-type": "application/problem+json"})


def _parsed(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000) * 1_000_000


def _iso(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns / SECOND, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


CASES = (
    Case(
        "openmeter",
        OpenMeter,
        {name: {"subject": f"customer-{name}"} for name in ("acme", "beta")},
        {
            "input": {"event_type": "input", "meter_slug": "tokens-in"},
            "output": {"event_type": "output", "meter_slug": "tokens-out"},
        },
        {"key": TOKEN},
    ),
)
