"""Metronome usage events: usage of a customer, day by day, up to 34 days back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from tollspan_rater.domain.clock import from_ns
from tollspan_rater.domain.money import exact_sum
from tollspan_rater.export.contract import Contract, Needs
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.http import Answer, Http, Request
from tollspan_rater.export.over_http import OverHttp
from tollspan_rater.export.rules import at, outcome
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import (
    Absent,
    Accepted,
    Element,
    Held,
    Mapped,
    Outcome,
    Sending,
    Sight,
    Unclear,
    Wanted,
)

CONTRACT: Final = Contract(
    name="metronome-usage",
    takes="usage",
    source="https://docs.metronome.com/api-reference/usage/ingest-events",
    batch=100,
    all_or_nothing=True,
    per_second=10,
    dedup_s=34 * 86_400,
    settle_s=300,  # events are searched a while after they came
    past_s=34 * 86_400,
    future_s=86_400,
    late="next",
    negative="carried",  # whether a sum takes a quantity below zero is not published
    needs=Needs(customer=("customer",), meter=("event_type",)),
    compares="sums",
)
URL: Final = "https://api.metronome.com"


def target(settings: Settings) -> Usage:
    """Make the target; secret ``key``."""
    headers = {"Authorization": f"Bearer {settings.secret()}"}
    return Usage(CONTRACT, Http(settings.client, settings.url or URL, settings.clock, headers))


class Usage(OverHttp):
    """Hands over usage as batches of events, and finds them again by their transaction id."""

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Return an event; the property ``quantity`` is what a billable metric adds up.

        Raises:
            UntellableError: the draft's quantity is unknown.
        """
        return {
            "transaction_id": item_id,
            "customer_id": mapped.customer["customer"],
            "event_type": mapped.meter["event_type"],
            "timestamp": from_ns(stamp_ns).isoformat(),
            "properties": {**dict(draft.dimensions), "quantity": self.quantity(draft)},
        }

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        """Ingest a batch, which Metronome takes whole or not at all."""
        answer = self.http.ask(Request("POST", "/v1/ingest", json=[dict(one.element) for one in sendings]))
        return [outcome(answer, (), _said, _taken)] * len(sendings)

    def look(self, sending: Sending) -> Sight:
        """Search for the event of our transaction id."""
        asked = {"transactionIds": [sending.item_id]}
        events = self.array(Request("POST", "/v1/events/search", json=asked))
        if isinstance(events, Unclear):
            return events
        found = next((one for one in events if one["transaction_id"] == sending.item_id), None)
        return Absent() if found is None else Accepted(at(found, "id"))

    def held(self, wanted: Wanted) -> Held | Unclear | None:
        """Return what the meter's billable metric adds up to for a customer on a day; None where none is mapped."""
        metric = wanted.meter.get("billable_metric")
        if metric is None:
            return None
        asked = {
            "customer_ids": [wanted.customer["customer"]],
            "billable_metrics": [{"id": metric}],
            "starting_on": from_ns(wanted.start_ns).isoformat(),
            "ending_before": from_ns(wanted.end_ns).isoformat(),
            "window_size": "DAY",
        }
        days = self.rows(Request("POST", "/v1/usage", json=asked), "data", _following)
        if isinstance(days, Unclear):
            return days
        return Held(exact_sum(Decimal(str(one.get("value") or 0)) for one in days))


def _following(page: Mapping[str, Any], asked: Request) -> Request | None:
    cursor = at(page, "next_page")
    return asked.also(next_page=cursor) if cursor else None


def _taken(answer: Answer) -> str | None:
    return "" if answer.body is None or isinstance(answer.body, Mapping) else None  # what is in it is not published


def _said(answer: Answer) -> tuple[str, str]:
    return at(answer.body, "code"), at(answer.body, "message")
