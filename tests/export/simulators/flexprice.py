"""Flexprice as its specification and source describe it: every well-formed request is taken, copies collapse later."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

from tests.export.case import Case
from tests.export.simulators.simulator import SECOND, Call, Receipt, Reply, Simulator, reply
from tollspan_rater.domain.clock import Clock

KEY: Final = "sk_flex"
BULK: Final = 1_000
SETTLE_S: Final = 30


class Flexprice(Simulator):
    """One environment. An event is told apart by (id, timestamp): the storage merge keeps one of each."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.events: dict[tuple[str, str], tuple[int, Mapping[str, Any]]] = {}

    def handle(self, call: Call) -> Reply:
        path = urlsplit(call.url).path.removeprefix("/v1")
        if call.headers.get("x-api-key") != KEY:
            return _error(401, "permission_denied", "no or wrong key")
        match (call.method, path):
            case ("POST", "/events/bulk"):
                return self._bulk(json.loads(call.body).get("events") or [])
            case ("POST", "/events/query"):
                return self._query(json.loads(call.body))
        return _error(404, "not_found", path)

    def fail(self, call: Call, *, taken: bool) -> Reply:
        if taken:
            self.handle(call)
        return _error(500, "system_error", "the event could not be published")

    def receipts(self) -> Sequence[Receipt]:
        return [
            Receipt(event_id, event["external_customer_id"], event["event_name"], Decimal(event["properties"]["value"]))
            for (event_id, _stamp), (_at, event) in self.events.items()
        ]

    def _bulk(self, events: list[Mapping[str, Any]]) -> Reply:
        if not 1 <= len(events) <= BULK:
            return _error(400, "validation_error", f"{len(events)} events")
        if any(not event.get(name) for event in events for name in ("event_name", "external_customer_id")):
            return _error(400, "validation_error", "a required field is missing")
        for event in events:
            self.events[event["event_id"], event["timestamp"]] = (self.clock.now_ns(), event)
        return reply(202, {"message": "Events accepted for processing"})

    def _query(self, asked: Mapping[str, Any]) -> Reply:
        start = asked.get("start_time") or _iso(self.clock.now_ns() - 7 * 86_400 * SECOND)
        end = asked.get("end_time") or _iso(self.clock.now_ns())
        found = [
            {"id": event_id, **{name: event.get(name) for name in event if name != "event_id"}}
            for (event_id, stamp), (at, event) in self.events.items()
            if self.clock.now_ns() - at >= SETTLE_S * SECOND
            and _parsed(start) <= _parsed(stamp) <= _parsed(end)
            and asked.get("event_id") in {None, event_id}
            and asked.get("event_name") in {None, event["event_name"]}
            and asked.get("external_customer_id") in {None, event["external_customer_id"]}
        ]
        offset, size = asked.get("offset") or 0, asked.get("page_size") or 50
        page = found[offset : offset + size]
        answer = {"events": page, "has_more": offset + size < len(found), "offset": offset, "total_count": len(found)}
        return reply(200, answer)


def _error(status: int, code: str, message: str) -> Reply:
    return reply(status, {"code": code, "http_status_code": status, "message": message})


def _parsed(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _iso(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns / SECOND, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


CASES = (
    Case(
        "flexprice",
        Flexprice,
        {name: {"external_customer_id": f"customer-{name}"} for name in ("acme", "beta")},
        {name: {"event_name": f"{name}_tokens"} for name in ("input", "output")},
        {"key": KEY},
    ),
)
