"""Orb's event interface, as https://docs.withorb.com describes ingestion, its grace period and the search."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from tests.export.case import Case
from tests.export.simulators.simulator import Call, Receipt, Reply, Simulator, reply
from tollspan_rater.domain.clock import Clock

KEY = "orb_simulator"
CUSTOMERS = ("acme-inc", "beta-inc")
GRACE_S, AHEAD_S, WEEK_S = 12 * 3600, 300, 7 * 86_400


class Orb(Simulator):
    """Events count once by their idempotency key; a batch with a bad event is refused, and the bad ones are named."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.events: dict[str, Mapping[str, Any]] = {}

    def handle(self, call: Call) -> Reply:
        if call.headers.get("authorization") != f"Bearer {KEY}":
            return _error(401, "authentication-error", "the key is not valid")
        path, body = urlsplit(call.url).path, json.loads(call.body, parse_float=Decimal, parse_int=Decimal)
        return self._ingest(body["events"]) if path == "/v1/ingest" else self._search(body)

    def fail(self, call: Call, *, taken: bool) -> Reply:
        if taken:
            self.handle(call)
        return _error(500, "server-error", "something went wrong")

    def busy(self, call: Call) -> Reply:
        return _error(429, "too-many-requests", "rate limited")

    def receipts(self) -> Sequence[Receipt]:
        return [
            Receipt(key, one["external_customer_id"], one["event_name"], one["properties"]["quantity"])
            for key, one in self.events.items()
        ]

    def _ingest(self, events: Sequence[Mapping[str, Any]]) -> Reply:
        failed = [
            {"idempotency_key": event["idempotency_key"], "validation_errors": faults}
            for event in events
            if (faults := self._faults(event))
        ]
        if failed:
            body = {"type": "https://docs.withorb.com/api#request-validation-errors", "title": "invalid", "status": 400}
            return reply(400, {**body, "validation_errors": [], "validation_failed": failed})
        for event in events:
            self.events.setdefault(event["idempotency_key"], event)
        return reply(200, {"validation_failed": []})

    def _faults(self, event: Mapping[str, Any]) -> list[str]:
        at_s = datetime.fromisoformat(event["timestamp"]).timestamp()
        findings = {
            "timestamp is before the grace period": at_s < self.now_s() - GRACE_S,
            "timestamp is in the future": at_s > self.now_s() + AHEAD_S,
            "exactly one of customer_id and external_customer_id": "external_customer_id" not in event,
            "quantity must be a number": not isinstance(event["properties"].get("quantity"), Decimal),
            "properties must be flat": any(isinstance(one, dict | list) for one in event["properties"].values()),
        }
        return [why for why, found in findings.items() if found]

    def _search(self, body: Mapping[str, Any]) -> Reply:
        first = datetime.fromisoformat(body["timeframe_start"]).timestamp()
        last = datetime.fromisoformat(body["timeframe_end"]).timestamp()
        found = [
            {
                "id": key,
                "deprecated": False,
                "event_name": one["event_name"],
                "external_customer_id": one["external_customer_id"],
                "timestamp": one["timestamp"],
                "properties": {"quantity": str(one["properties"]["quantity"])},
            }
            for key in body["event_ids"]
            if (one := self.events.get(key)) and first <= datetime.fromisoformat(one["timestamp"]).timestamp() <= last
        ]
        return reply(200, {"data": found})


def _error(status: int, kind: str, detail: str) -> Reply:
    body = {"type": f"https://docs.withorb.com/api#{kind}", "title": kind, "detail": detail, "status": status}
    return reply(status, body)


CASES = (
    Case(
        "orb-events",
        Orb,
        customers={"acme": {"customer": "acme-inc"}, "beta": {"customer": "beta-inc"}},
        meters={"input": {"event_name": "input_tokens"}, "output": {"event_name": "output_tokens"}},
        secrets={"key": KEY},
    ),
)
