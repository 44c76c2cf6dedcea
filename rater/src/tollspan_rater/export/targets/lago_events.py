"""Lago as events: usage that Lago rates.

Lago refuses a whole batch that holds a ``transaction_id`` it knows, and names its place: those are done, the others
go again. An organisation on ClickHouse keeps one event of a ``transaction_id`` and timestamp instead. Both are the
same whenever an item is sent again, so that sending again is always safe. An event that no billable metric takes is
accepted all the same, and named within the hour in the webhook ``events.errors``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from tollspan_rater.errors import SignatureError
from tollspan_rater.export.contract import Contract, Needs
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.http import Answer, Lost, Request
from tollspan_rater.export.over_http import OverHttp
from tollspan_rater.export.rules import at, objects, outcome, silence
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
from tollspan_rater.export.targets.lago import RULES, Lago, following, genuine, listing, said, wording
from tollspan_rater.query.wording import instant

DAY_S: Final = 86_400
MILLISECOND: Final = 1_000_000
USAGE: Final = Contract(
    name="lago-events",
    takes="usage",
    source="lago-openapi 1.51.0 POST /events/batch; lago-api events/create_batch_service.rb; docs: rate limits",
    batch=100,
    all_or_nothing=True,
    per_second=50,
    settle_s=60,
    past_s=DAY_S,
    bucket="hour",
    late="next",
    needs=Needs(customer=("external_subscription_id",), meter=("code",)),
    compares="entries",
)
_KNOWN: Final = {"transaction_id": ["value_already_exist"]}


class LagoEvents(OverHttp):
    """Sends events to one organisation of Lago.

    Secrets: ``key``, and for notifications ``webhook``, the HMAC signature token. Option ``late_after_hours``: what is
    known so much later than it happened is stamped with the hour in which it is sent, because Lago never bills an
    event of a period whose invoice is final; Lago's grace period should be at least as long (default 24).
    """

    def __init__(self, settings: Settings, contract: Contract = USAGE) -> None:
        hours = settings.options.get("late_after_hours")
        allowed = contract if hours is None else replace(contract, past_s=int(hours) * 3_600)
        super().__init__(allowed, Lago(settings))
        self._secret = settings.secrets.get("webhook", "")

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Make an event; dimensions are properties beside the quantity, so that charges can filter by them.

        Raises:
            UntellableError: the draft's quantity is unknown.
        """
        return event(draft, item_id, stamp_ns, mapped, self.quantity(draft))

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        """Send a batch; an event that Lago has since an earlier sending counts as accepted."""
        body = {"events": [one.element for one in sendings]}
        answer = self.http.ask(Request("POST", "/api/v1/events/batch", json=body))
        wrong = _wrong(answer)
        if wrong:
            return [_judged(wrong.get(str(place)), one) for place, one in enumerate(sendings)]
        whole = outcome(answer, RULES, said)
        if isinstance(answer, Answer) and isinstance(whole, Accepted):
            taken = {at(one, "transaction_id") for one in objects(answer.body, "events")}
            silent = Unclear("Lago does not mention it in its answer")
            return [Accepted(one.item_id) if one.item_id in taken else silent for one in sendings]
        return [whole] * len(sendings)

    def look(self, sending: Sending) -> Sight:
        """Ask for the event by its transaction id."""
        answer = self.http.ask(Request("GET", f"/api/v1/events/{quote(sending.item_id, safe='')}"))
        if isinstance(answer, Answer) and at(answer.body, "event", "transaction_id") == sending.item_id:
            return Accepted(sending.item_id)
        if isinstance(answer, Answer) and said(answer)[0] == "event_not_found":
            return Absent()
        return silence(answer)

    def held(self, wanted: Wanted) -> Held | Unclear:
        """List the events of a subscription and metric."""
        query = {
            "external_subscription_id": wanted.customer["external_subscription_id"],
            "code": wanted.meter["code"],
            "timestamp_from": instant(wanted.start_ns) or "",
            "timestamp_to": instant(wanted.end_ns - MILLISECOND) or "",
        }
        events = self.rows(listing("events", query), "events", following)
        if isinstance(events, Unclear):
            return events
        values = ((at(one, "transaction_id"), self._value(one, wanted)) for one in events)
        return Held.of(Entry.of(item, value) for item, value in values if value is not None)

    def rejections(self, headers: Mapping[str, str], body: bytes, now_ns: int) -> Iterable[tuple[str, Refused]]:
        """Read the events that Lago found nothing to bill for; other notifications say nothing of ours.

        Raises:
            SignatureError: the notification has no right HMAC signature.
        """
        if not self._secret or not genuine(body, headers, self._secret):
            raise SignatureError(self.contract.name, "its HMAC signature is not Lago's, or no signature token is set")
        document = json.loads(body)
        errors = document.get("events_errors") if document.get("webhook_type") == "events.errors" else None
        for code, ids in (errors or {}).items():
            for item_id in ids or ():
                yield item_id, Refused(code, f"Lago took the event and cannot bill it: {code}")

    def _value(self, event: Mapping[str, Any], wanted: Wanted) -> Decimal | None:
        """Return what an event adds; None when it is not of what is wanted."""
        return Decimal(str(event["properties"].get(wanted.meter.get("property", "value"), 0)))


def target(settings: Settings) -> LagoEvents:
    """Make the target."""
    return LagoEvents(settings)


def event(draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped, units: str) -> dict[str, Any]:
    """Return an event of so many ``units``, exact text."""
    named = mapped.meter.get("property", "value")
    return {
        "transaction_id": item_id,
        "external_subscription_id": mapped.customer["external_subscription_id"],
        "code": mapped.meter["code"],
        "timestamp": f"{stamp_ns // 10**9}.{stamp_ns // MILLISECOND % 1000:03d}",
        "properties": {**dict(draft.dimensions), named: units},
    }


def _wrong(answer: Answer | Lost) -> Mapping[str, Mapping[str, Any]]:
    """Return what Lago found wrong, by the place in the batch; empty when it is not about single events."""
    if (
        isinstance(answer, Lost)
        or answer.status != HTTPStatus.UNPROCESSABLE_ENTITY
        or not isinstance(answer.body, Mapping)
    ):
        return {}
    details = answer.body.get("error_details")
    by_place = isinstance(details, Mapping) and all(place.isdigit() for place in details)
    return details if by_place and isinstance(details, Mapping) else {}


def _judged(wrong: Mapping[str, Any] | None, sending: Sending) -> Outcome:
    if wrong is None:
        return NotTaken("Lago refused the whole batch because of other events in it", after_s=0)
    if wrong == _KNOWN:
        return Accepted(sending.item_id)
    return Refused(next(iter(wrong), "validation_errors"), f"Lago refused the event: {wording(wrong)}")
