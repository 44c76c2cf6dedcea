"""Flexprice: usage as events in bulk.

Every well-formed request is accepted, whatever becomes of it. Events of one id and timestamp collapse into one when
its storage merges; both are the same whenever an item is sent again, so that sending again is always safe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final

from tollspan_rater.domain.money import exact_sum
from tollspan_rater.export.contract import Contract, Needs
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.http import Answer, Http, Lost, Request
from tollspan_rater.export.rules import Rule, outcome
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
from tollspan_rater.query.wording import instant, plain

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
)
_RULES: Final = (Rule(404, "not_taken"),)
_PAGE: Final = 500
_SECOND: Final = 1_000_000_000


class Flexprice:
    """Sends events to one environment. Secret: ``key``. ``url`` ends with the API's version, as the default does."""

    contract = USAGE

    def __init__(self, settings: Settings) -> None:
        credential = {"x-api-key": settings.secrets.get("key", "")}
        self._http = Http(settings.client, settings.url or URL, settings.clock, credential)

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Make an event; its properties are texts, the quantity among them under the mapped ``property``."""
        named = mapped.meter.get("property", "value")
        return {
            "event_id": item_id,
            "event_name": mapped.meter["event_name"],
            "external_customer_id": mapped.customer["external_customer_id"],
            "timestamp": instant(stamp_ns),
            "source": "tollspan",
            "properties": {**dict(draft.dimensions), named: f"{plain(draft.quantity or Decimal(0)):f}"},
        }

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        """Send a batch; nothing tells one event of it from another."""
        body = {"events": [one.element for one in sendings]}
        whole = outcome(self._http.ask(Request("POST", "/events/bulk", json=body)), _RULES, _said)
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
        if events is None:
            return Unclear("Flexprice did not list the event")
        return Accepted(sending.item_id) if any(one.get("id") == sending.item_id for one in events) else Absent()

    def held(self, wanted: Wanted) -> Held | None:
        """Add up the raw events of a customer and event name; copies that are not merged yet count once."""
        asked = {
            "event_name": wanted.meter["event_name"],
            "external_customer_id": wanted.customer["external_customer_id"],
            "start_time": instant(wanted.start_ns),
            "end_time": instant(wanted.end_ns - _SECOND // 1000),
        }
        events = self._events(asked)
        if events is None:
            return None
        named = wanted.meter.get("property", "value")
        merged = {(one.get("id"), one.get("timestamp")): one["properties"].get(named, "0") for one in events}
        return Held(quantity=exact_sum(Decimal(str(value)) for value in merged.values()))

    def close(self) -> None:
        """End the connections."""
        self._http.close()

    def _events(self, asked: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
        rows: list[Mapping[str, Any]] = []
        while True:
            query = {**asked, "page_size": _PAGE, "offset": len(rows)}
            answer = self._http.ask(Request("POST", "/events/query", json=query))
            if isinstance(answer, Lost) or answer.status != HTTPStatus.OK or not isinstance(answer.body, Mapping):
                return None
            page = answer.body.get("events") or []
            rows += page
            if not page or not answer.body.get("has_more"):
                return rows


def target(settings: Settings) -> Flexprice:
    """Make the target."""
    return Flexprice(settings)


def _said(answer: Answer) -> tuple[str, str]:
    body = answer.body if isinstance(answer.body, Mapping) else {}
    return str(body.get("code") or ""), str(body.get("message") or "")
