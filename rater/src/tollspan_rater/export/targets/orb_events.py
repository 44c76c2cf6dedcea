"""Orb events: usage of a customer, hour by hour, while the account's grace period lasts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from tollspan_rater.domain.clock import from_ns
from tollspan_rater.export.contract import Contract, Needs
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.http import Answer, Http, Lost, Request
from tollspan_rater.export.over_http import OverHttp, Rows
from tollspan_rater.export.rules import at, objects, outcome
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import (
    Absent,
    Accepted,
    Element,
    Entry,
    Held,
    Mapped,
    NotTaken,
    Outcome,
    Refused,
    Sending,
    Sight,
    Unclear,
    Wanted,
)

CONTRACT: Final = Contract(
    name="orb-events",
    takes="usage",
    source="https://docs.withorb.com/api-reference/event/ingest-events",
    batch=500,
    per_second=10,
    dedup_s=12 * 3600,  # an idempotency key is remembered at least for the grace period
    settle_s=300,
    past_s=12 * 3600,  # the shortest grace period that is in use; an account may set a longer one
    future_s=300,
    bucket="hour",
    late="next",
    needs=Needs(customer=("customer",), meter=("event_name",)),
    compares="ids",
)
URL: Final = "https://api.withorb.com/v1"
_QUANTITY: Final = "quantity"
_FAILED: Final = "validation_failed"
_SEARCHED: Final = 100  # keys of one search
_MINUTE: Final = timedelta(minutes=1)


def target(settings: Settings) -> Events:
    """Make the target; secret ``key``."""
    headers = {"Authorization": f"Bearer {settings.secret()}"}
    return Events(CONTRACT, Http(settings.client, settings.url or URL, settings.clock, headers))


class Events(OverHttp):
    """Hands over usage as batches of events, and finds them again by their key."""

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Return an event of an external customer id; the property ``quantity`` is what a metric adds up.

        Raises:
            UntellableError: the draft's quantity is unknown.
        """
        return {
            "event_name": mapped.meter["event_name"],
            "external_customer_id": mapped.customer["customer"],
            "idempotency_key": item_id,
            "timestamp": from_ns(stamp_ns).isoformat(),
            "properties": {**dict(draft.dimensions), _QUANTITY: self.quantity(draft)},
        }

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        """Ingest a batch; of a batch with faults, Orb names the events at fault, and the others go again."""
        answer = self.http.ask(Request("POST", "/ingest", json={"events": [_event(one.element) for one in sendings]}))
        failed = dict(_failed(answer))
        if not {one.item_id for one in sendings}.issuperset(failed):
            return [Unclear("Orb names events at fault that cannot be told apart")] * len(sendings)
        rest: Outcome = NotTaken("another event of its batch was at fault", after_s=0)
        others = rest if failed else outcome(answer, (), _said, _taken)
        return [failed.get(one.item_id, others) for one in sendings]

    def look(self, sending: Sending) -> Sight:
        """Search for the event of our key around its time."""
        until = (from_ns(sending.since_ns) + _MINUTE).isoformat()
        events = self._events([sending.item_id], at(sending.element, "timestamp"), until)
        if isinstance(events, Unclear):
            return events
        return Accepted(sending.item_id) if any(one["id"] == sending.item_id for one in events) else Absent()

    def held(self, wanted: Wanted) -> Held | Unclear:
        """Search for the events of our keys; what came under other keys, Orb does not list."""
        found: list[Entry] = []
        keys, start, end = sorted(wanted.items), from_ns(wanted.start_ns), from_ns(wanted.end_ns)
        for first in range(0, len(keys), _SEARCHED):
            events = self._events(keys[first : first + _SEARCHED], start.isoformat(), end.isoformat())
            if isinstance(events, Unclear):
                return events
            found += [_entry(one) for one in events if _same(one, wanted)]
        return Held.of(found)

    def _events(self, keys: Sequence[str], start: str, end: str) -> Rows | Unclear:
        """Return the events of keys in a span of time, without those that count no more."""
        asked = {"event_ids": list(keys), "timeframe_start": start, "timeframe_end": end}
        events = self.rows(Request("POST", "/events/search", json=asked), "data")
        return events if isinstance(events, Unclear) else [one for one in events if not one["deprecated"]]


def _same(event: Mapping[str, Any], wanted: Wanted) -> bool:
    whose, what = event.get("external_customer_id"), event["event_name"]
    return (whose, what) == (wanted.customer["customer"], wanted.meter["event_name"])


def _entry(event: Mapping[str, Any]) -> Entry:
    return Entry.of(at(event, "id"), Decimal(str(event["properties"].get(_QUANTITY, 0))))


def _event(element: Element) -> dict[str, Any]:
    """Return what is sent: the quantity is a number there."""
    properties = element["properties"]
    return {**element, "properties": {**properties, _QUANTITY: Decimal(properties[_QUANTITY])}}


def _failed(answer: Answer | Lost) -> Iterator[tuple[str, Refused]]:
    for entry in objects(answer.body, _FAILED) if isinstance(answer, Answer) else ():
        errors = entry.get("validation_errors")
        why = "; ".join(map(str, errors)) if isinstance(errors, list) else ""
        yield at(entry, "idempotency_key"), Refused(_FAILED, why)


def _taken(answer: Answer) -> str | None:
    return "" if answer.document.get(_FAILED) == [] else None  # a success has the list, and nothing in it


def _said(answer: Answer) -> tuple[str, str]:
    return at(answer.body, "type").rpartition("#")[2], at(answer.body, "detail") or at(answer.body, "title")
