"""Flexprice: usage as events in bulk.

Every well-formed request is accepted, whatever becomes of it. Events of one id and timestamp collapse into one when
its storage merges; both are the same whenever an item is sent again, so that sending again is always safe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from tollspan_rater.export.contract import Contract, Needs
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.http import Answer, Http, Request
from tollspan_rater.export.over_http import OverHttp, Rows
from tollspan_rater.export.rules import Rule, at, outcome
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import (
    Absent,
    Accepted,
    Element,
    Entry,
    Held,
    Mapped,
    Outcome,
    Sending,
    Sight,
    Unclear,
    Wanted,
)
from tollspan_rater.query.wording import instant

URL: Final = "https://us.api.flexprice.io/v1"
USAGE: Final = Contract(
    name="flexprice",
    takes="usage",
    source="flexprice docs/swagger/swagger-3-0.json 1.0 POST /events/bulk, /events/query",
    batch=1_000,
    all_or_nothing=True,
    settle_s=300,
    bucket="hour",
    needs=Needs(customer=("external_customer_id",), meter=("event_name",)),
    compares="entries",
)
_RULES: Final = (Rule(404, "not_taken"),)
_PAGE: Final = 500
_SECOND: Final = 1_000_000_000


class Flexprice(OverHttp):
    """Sends events to one environment. Secret: ``key``. ``url`` ends with the API's version, as the default does."""

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Make an event; its properties are texts, the quantity among them under the mapped ``property``.

        Raises:
            UntellableError: the draft's quantity is unknown.
        """
        named = mapped.meter.get("property", "value")
        return {
            "event_id": item_id,
            "event_name": mapped.meter["event_name"],
            "external_customer_id": mapped.customer["external_customer_id"],
            "timestamp": instant(stamp_ns),
            "source": "tollspan",
            "properties": {**dict(draft.dimensions), named: self.quantity(draft)},
        }

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        """Send a batch; nothing tells one event of it from another."""
        body = {"events": [one.element for one in sendings]}
        whole = outcome(self.http.ask(Request("POST", "/events/bulk", json=body)), _RULES, _said, _taken)
        return [Accepted(one.item_id) if isinstance(whole, Accepted) else whole for one in sendings]

    def look(self, sending: Sending) -> Sight:
        """Ask for the raw event at its own time: without one only the last seven days are searched."""
        element = sending.element
        asked = {
            "event_id": sending.item_id,
            "external_customer_id": element["external_customer_id"],
            "start_time": element["timestamp"],
            "end_time": element["timestamp"],
        }
        events = self._events(asked)
        if isinstance(events, Unclear):
            return events
        return Accepted(sending.item_id) if any(one.get("id") == sending.item_id for one in events) else Absent()

    def held(self, wanted: Wanted) -> Held | Unclear:
        """List the raw events of a customer and event name; copies that are not merged yet count once."""
        asked = {
            "event_name": wanted.meter["event_name"],
            "external_customer_id": wanted.customer["external_customer_id"],
            "start_time": instant(wanted.start_ns),
            "end_time": instant(wanted.end_ns - _SECOND // 1000),
        }
        events = self._events(asked)
        if isinstance(events, Unclear):
            return events
        named = wanted.meter.get("property", "value")
        merged = {(one.get("id"), one.get("timestamp")): one["properties"].get(named, "0") for one in events}
        return Held.of(Entry.of(str(item), Decimal(str(value))) for (item, _), value in merged.items())

    def _events(self, asked: Mapping[str, Any]) -> Rows | Unclear:
        query = {**asked, "page_size": _PAGE, "offset": 0}
        return self.rows(Request("POST", "/events/query", json=query), "events", _following)


def target(settings: Settings) -> Flexprice:
    """Make the target."""
    credential = {"x-api-key": settings.secret()}
    return Flexprice(USAGE, Http(settings.client, settings.url or URL, settings.clock, credential))


def _following(page: Mapping[str, Any], asked: Request) -> Request | None:
    offset = asked.json["offset"] + len(page["events"] or ())
    return replace(asked, json={**asked.json, "offset": offset}) if page.get("has_more") else None


def _taken(answer: Answer) -> str | None:
    return "" if at(answer.body, "message") else None


def _said(answer: Answer) -> tuple[str, str]:
    return at(answer.body, "code"), at(answer.body, "message")
