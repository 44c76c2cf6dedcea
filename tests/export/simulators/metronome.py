"""Metronome's event interface, as https://docs.metronome.com describes ingestion and the search."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.export.case import Case
from tests.export.simulators.simulator import Call, Receipt, Reply, Simulator, reply
from tollspan_rater.domain.clock import Clock

KEY = "metronome_simulator"
CUSTOMERS = ("customer-acme", "customer-beta")
METRICS = {"metric-input": "input_tokens", "metric-output": "output_tokens"}
WINDOW_S, AHEAD_S, BATCH = 34 * 86_400, 86_400, 100
_REQUIRED = {"transaction_id", "customer_id", "event_type", "timestamp"}


class Metronome(Simulator):
    """Events count once by their transaction id for 34 days; a batch is taken whole or not at all."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.events: list[Mapping[str, Any]] = []
        self._known: dict[str, int] = {}

    def handle(self, call: Call) -> Reply:
        if call.headers.get("authorization") != f"Bearer {KEY}":
            return reply(401, {"message": "Unauthorized"})
        url, body = urlsplit(call.url), json.loads(call.body)
        match url.path:
            case "/v1/ingest":
                return self._ingest(body)
            case "/v1/events/search":
                return self._search(body["transactionIds"])
            case "/v1/usage":
                return self._usage(body, int(dict(parse_qsl(url.query)).get("next_page", "0")))
        return reply(404, {"message": "Not found"})

    def fail(self, call: Call, *, taken: bool) -> Reply:
        if taken:
            self.handle(call)
        return reply(500, {"message": "Internal server error"})

    def busy(self, call: Call) -> Reply:
        return reply(429, {"message": "Too many requests"})

    def receipts(self) -> Sequence[Receipt]:
        return [
            Receipt(
                one["transaction_id"], one["customer_id"], one["event_type"], Decimal(one["properties"]["quantity"])
            )
            for one in self.events
        ]

    def _ingest(self, events: Sequence[Mapping[str, Any]]) -> Reply:
        if len(events) > BATCH:
            return reply(400, {"message": "too many events"})
        for event in events:
            at_s = datetime.fromisoformat(event["timestamp"]).timestamp()
            if not set(event) >= _REQUIRED or not -AHEAD_S <= self.now_s() - at_s <= WINDOW_S:
                return reply(400, {"message": "an event is malformed or out of the window"})
        for event in events:
            at_s = self._known.get(event["transaction_id"])
            if at_s is None or self.now_s() - at_s > WINDOW_S:
                self._known[event["transaction_id"]] = self.now_s()
                self.events.append(event)
        return reply(200, {})

    def _search(self, wanted: Sequence[str]) -> Reply:
        found = [one for one in self.events if one["transaction_id"] in wanted]
        return reply(200, [{**one, "id": f"event-{one['transaction_id']}"} for one in found])

    def _usage(self, asked: Mapping[str, Any], page: int) -> Reply:
        """Answer one row a page, as a list that is longer than a page would be."""
        first, last = (datetime.fromisoformat(asked[name]) for name in ("starting_on", "ending_before"))
        if first.timestamp() % 86_400 or last.timestamp() % 86_400 or asked["window_size"] != "DAY":
            return reply(400, {"message": "starting_on and ending_before must be midnight of UTC"})
        rows = [
            self._sum(customer, metric["id"], first + timedelta(days=day))
            for customer in asked["customer_ids"]
            for metric in asked["billable_metrics"]
            for day in range((last - first).days)
        ]
        following = str(page + 1) if page + 1 < len(rows) else None
        return reply(200, {"data": rows[page : page + 1], "next_page": following})

    def _sum(self, customer: str, metric: str, day: datetime) -> dict[str, Any]:
        until = day + timedelta(days=1)
        values = [
            Decimal(one["properties"]["quantity"])
            for one in self.events
            if (one["customer_id"], one["event_type"]) == (customer, METRICS[metric])
            and day <= datetime.fromisoformat(one["timestamp"]) < until
        ]
        return {
            "customer_id": customer,
            "billable_metric_id": metric,
            "billable_metric_name": METRICS[metric],
            "start_timestamp": day.isoformat(),
            "end_timestamp": until.isoformat(),
            "value": float(sum(values)) if values else None,
        }


CASES = (
    Case(
        "metronome-usage",
        Metronome,
        customers={"acme": {"customer": "customer-acme"}, "beta": {"customer": "customer-beta"}},
        meters={
            "input": {"event_type": "input_tokens", "billable_metric": "metric-input"},
            "output": {"event_type": "output_tokens", "billable_metric": "metric-output"},
        },
        secrets={"key": KEY},
    ),
)
