"""Stripe's meters: events in both interfaces, what is found out about them later, cancellations and sums.

https://docs.stripe.com/api/billing/meter-event, .../billing/meter-event-adjustment, .../billing/meter-event_summary,
https://docs.stripe.com/api/v2/billing-meter-stream and the error codes of the published specification.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from tests.export.simulators.simulator import Receipt, Reply, reply
from tests.export.simulators.stripe_form import INVALID, error, listed
from tests.export.simulators.stripe_invoices import CUSTOMERS
from tollspan_rater.domain.money import exact_sum

DAY_S = 24 * 3600
PAST_S, FUTURE_S, SESSION_S = 35 * DAY_S, 300, 900
MOST_EVENTS, SAMPLES = 100, 5
WEBHOOK_SECRET = "whsec_simulator"
METERS = {"input_tokens": "mtr_input", "output_tokens": "mtr_output"}


@dataclass(frozen=True, slots=True)
class Event:
    event_name: str
    identifier: str
    payload: Mapping[str, str]
    at_s: int
    received_s: int


class Meters:
    """Events count unless something is found wrong with them later; an identifier counts once in 24 hours."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.cancelled: set[str] = set()
        self.reports: dict[str, dict[str, Any]] = {}
        self._reported = 0
        self._sessions: dict[str, int] = {}
        self._ids = itertools.count(1)

    def create(self, form: Mapping[str, Any], now_s: int) -> Reply:
        """Take one event of the first interface."""
        if set(form) - {"event_name", "payload", "identifier", "timestamp"} or "event_name" not in form:
            return error(400, INVALID, "parameter_unknown", "Received unknown or missing parameters")
        if not isinstance(form.get("payload"), dict) or len(form.get("identifier", "")) > 100:
            return error(400, INVALID, "parameter_invalid", "Invalid payload or identifier")
        at_s = int(form.get("timestamp", now_s))
        if not now_s - PAST_S <= at_s <= now_s + FUTURE_S:
            return error(
                400, INVALID, "timestamp_too_far_in_past" if at_s < now_s else "timestamp_in_future", "Bad timestamp"
            )
        identifier = form.get("identifier", f"generated_{next(self._ids)}")
        if self._known(identifier, now_s):
            return error(400, INVALID, "", f"An event already exists with identifier {identifier}.")
        self.events.append(Event(form["event_name"], identifier, form["payload"], at_s, now_s))
        told = {
            "identifier": identifier,
            "event_name": form["event_name"],
            "payload": form["payload"],
            "timestamp": at_s,
        }
        return reply(200, {"object": "billing.meter_event", "created": now_s, "livemode": False, **told})

    def cancel(self, form: Mapping[str, Any], now_s: int) -> Reply:
        """Take an event back, within 24 hours of its receipt."""
        identifier = form.get("cancel", {}).get("identifier", "")
        if form.get("type") != "cancel" or not self._known(identifier, now_s):
            return error(400, INVALID, "", "No event of the last 24 hours has this identifier.")
        self.cancelled.add(identifier)
        told = {"event_name": form["event_name"], "type": "cancel", "cancel": {"identifier": identifier}}
        return reply(200, {"object": "billing.meter_event_adjustment", "status": "pending", "livemode": False, **told})

    def begin(self, now_s: int) -> Reply:
        """Begin a session of the stream."""
        token = f"stream_token_{next(self._ids)}"
        self._sessions[token] = now_s + SESSION_S
        told = {"authentication_token": token, "created": _iso(now_s), "expires_at": _iso(now_s + SESSION_S)}
        return reply(200, {"object": "v2.billing.meter_event_session", "id": token, "livemode": False, **told})

    def stream(self, token: str, body: bytes, now_s: int) -> Reply:
        """Take up to 100 events; what is wrong with them is found out later."""
        if self._sessions.get(token, 0) <= now_s:
            words = "The session of this token has expired"
            return error(401, "temporary_session_expired", "billing_meter_event_session_expired", words)
        events = json.loads(body)["events"]
        if len(events) > MOST_EVENTS or not all({"event_name", "payload"} <= set(one) for one in events):
            return error(400, INVALID, "invalid_parameter", "At most 100 events, each with event_name and payload")
        for one in events:
            identifier = one.get("identifier", f"generated_{next(self._ids)}")
            if not self._known(identifier, now_s):
                at_s = int(datetime.fromisoformat(one["timestamp"]).timestamp()) if "timestamp" in one else now_s
                self.events.append(Event(one["event_name"], identifier, one["payload"], at_s, now_s))
        return reply(200, {})

    def list(self, query: Mapping[str, Any]) -> Reply:
        rows = [
            {"id": name, "object": "billing.meter", "event_name": event, "status": "active"}
            for event, name in METERS.items()
        ]
        return listed(rows, query, "/v1/billing/meters")

    def summaries(self, meter: str, query: Mapping[str, Any]) -> Reply:
        """Add up the events of a customer between two whole minutes; no sum is below zero."""
        start, end = int(query["start_time"]), int(query["end_time"])
        if start % 60 or end % 60:
            return error(400, INVALID, "parameter_invalid", "start_time and end_time must align with minute boundaries")
        total = exact_sum(
            Decimal(one.payload["value"])
            for one in self.events
            if self._counts(one) and METERS[one.event_name] == meter and start <= one.at_s < end
            and one.payload["stripe_customer_id"] == query["customer"]
        )  # fmt: skip
        value = max(total, Decimal(0))
        row = {"id": "mtrusg_1", "object": "billing.meter_event_summary", "meter": meter, "livemode": False,
               "start_time": start, "end_time": end, "aggregated_value": float(value)}  # fmt: skip
        return listed([row], query, f"/v1/billing/meters/{meter}/event_summaries")

    def report(self, now_s: int) -> Iterator[tuple[dict[str, str], bytes]]:
        """Yield a signed notification for what was found wrong with the events since the last time."""
        wrong: dict[str, list[str]] = {}
        for event in self.events[self._reported :]:
            if (code := _wrong(event)) is not None:
                wrong.setdefault(code, []).append(event.identifier)
        self._reported = len(self.events)
        if wrong:
            name = f"evt_{next(self._ids)}"
            thin = {
                "id": name,
                "object": "v2.core.event",
                "type": "v1.billing.meter.error_report_triggered",
                "created": _iso(now_s),
                "livemode": False,
                "related_object": {"id": "mtr_1", "type": "billing.meter", "url": "/v1/billing/meters/mtr_1"},
            }
            self.reports[name] = {**thin, "data": _report(wrong, now_s)}
            body = json.dumps(thin).encode()
            yield {"Stripe-Signature": signature(body, now_s)}, body

    def receipts(self) -> Iterator[Receipt]:
        for one in self.events:
            if self._counts(one):
                customer, value = one.payload["stripe_customer_id"], Decimal(one.payload["value"])
                yield Receipt(one.identifier, customer, one.event_name, quantity=value)

    def _known(self, identifier: str, now_s: int) -> bool:
        return any(one.identifier == identifier and now_s - one.received_s < DAY_S for one in self.events)

    def _counts(self, event: Event) -> bool:
        return _wrong(event) is None and event.identifier not in self.cancelled


def signature(body: bytes, at_s: int, secret: str = WEBHOOK_SECRET) -> str:
    signed = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={signed}"


def _wrong(event: Event) -> str | None:
    """Return what is found out after an event was taken."""
    if event.event_name not in METERS:
        return "no_meter"
    if "stripe_customer_id" not in event.payload:
        return "meter_event_no_customer_defined"
    if event.payload["stripe_customer_id"] not in CUSTOMERS:
        return "meter_event_customer_not_found"
    if event.at_s < event.received_s - PAST_S:
        return "timestamp_too_far_in_past"
    if event.at_s > event.received_s + FUTURE_S:
        return "timestamp_in_future"
    try:
        value = Decimal(event.payload["value"])
    except (KeyError, InvalidOperation):
        return "meter_event_invalid_value"
    return "meter_event_value_too_many_digits" if len(value.as_tuple().digits) > 30 else None


def _report(wrong: Mapping[str, list[str]], now_s: int) -> dict[str, Any]:
    kinds = [
        {
            "code": code,
            "error_count": len(names),
            "sample_errors": [{"error_message": code, "request": {"identifier": name}} for name in names[:SAMPLES]],
        }
        for code, names in wrong.items()
    ]
    count = sum(len(names) for names in wrong.values())
    return {
        "developer_message_summary": f"There is {count} invalid event",
        "reason": {"error_count": count, "error_types": kinds},
        "validation_start": _iso(now_s - 10),
        "validation_end": _iso(now_s),
    }


def _iso(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
