"""Lago as its published contract and its own source describe it: events, one-off invoices, what it can be asked.

An organisation keeps its events in PostgreSQL (a known ``transaction_id`` of a subscription refuses the whole batch)
or in ClickHouse (the same ``transaction_id`` and ``timestamp`` overwrite, another timestamp counts again).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from tests.export.case import Case
from tests.export.simulators.simulator import SECOND, Call, Receipt, Reply, Simulator, reply
from tollspan_rater.domain.clock import Clock

Event = dict[str, Any]
Fee = dict[str, Any]

BATCH: Final = 100
KEY: Final = "lago-key"
HMAC_KEY: Final = "lago-hmac-key"
_REASONS: Final = {401: "Unauthorized", 404: "Not Found", 422: "Unprocessable Entity", 429: "Too Many Requests"}


class Lago(Simulator):
    """One organisation; codes that are not in ``metrics`` are accepted and never billed."""

    metrics = frozenset({"input_tokens", "output_tokens", "fees"})
    customers = frozenset({"acme-lago", "beta-lago"})
    add_ons = frozenset({"llm_input", "llm_output", "llm_fees"})

    def __init__(self, clock: Clock, store: Literal["postgres", "clickhouse"] = "postgres") -> None:
        super().__init__(clock)
        self.store = store
        self.events: dict[tuple[str, ...], Event] = {}
        self.fees: list[Fee] = []

    def handle(self, call: Call) -> Reply:
        parts = urlsplit(call.url)
        if call.headers.get("authorization") != f"Bearer {KEY}":
            return _error(401, "unauthorized")
        path = parts.path.removeprefix("/api/v1/")
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        told = json.loads(call.body) if call.body else {}
        routes: dict[tuple[str, str], Callable[[], Reply]] = {
            ("POST", "events/batch"): lambda: self._batch(told.get("events") or []),
            ("POST", "events"): lambda: self._single(told["event"]),
            ("GET", "events"): lambda: _page("events", self._listed(asked), asked),
            ("POST", "invoices"): lambda: self._invoice(told["invoice"]),
            ("GET", "fees"): lambda: _page("fees", self._fees(asked), asked),
        }
        if (call.method, path) in routes:
            return routes[call.method, path]()
        found = self._named(unquote(path.removeprefix("events/"))) if path.startswith("events/") else []
        return _ok({"event": found[0]}) if found else _error(404, "event_not_found")

    def busy(self, call: Call) -> Reply:
        refused = _error(429, "too_many_requests")
        return Reply(429, {**refused.headers, "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, refused.body)

    def receipts(self) -> Sequence[Receipt]:
        return [_event_receipt(event) for event in self.events.values() if event["code"] in self.metrics] + [
            _fee_receipt(fee) for fee in self.fees
        ]

    def errors(self) -> tuple[dict[str, str], bytes]:
        """Return the notification of the events that no billable metric takes, signed as the SDK's users check it."""
        unknown = [event["transaction_id"] for event in self.events.values() if event["code"] not in self.metrics]
        errors = {"invalid_code": unknown, "missing_aggregation_property": [], "missing_group_key": []}
        body = json.dumps({"webhook_type": "events.errors", "object_type": "events_errors", "events_errors": errors})
        return signed(body.encode()), body.encode()

    def _single(self, event: Event) -> Reply:
        done = self._batch([event])
        if done.status == 200:
            return _ok({"event": json.loads(done.body)["events"][0]})
        details = json.loads(done.body)["error_details"]
        return _error(done.status, "validation_errors", details.get("0", details))

    def _batch(self, events: list[Event]) -> Reply:
        if not events:
            return _error(422, "validation_errors", {"events": ["no_events"]})
        if len(events) > BATCH:
            return _error(422, "validation_errors", {"events": ["too_many_events"]})
        wrong = {str(place): errors for place, event in enumerate(events) if (errors := _invalid(event))}
        if wrong:
            return _error(422, "validation_errors", wrong)
        fresh: dict[tuple[str, ...], Event] = {}
        known: dict[str, Any] = {}
        for place, event in enumerate(events):
            key = self._key(event)
            if self.store == "postgres" and (key in self.events or key in fresh):
                known[str(place)] = {"transaction_id": ["value_already_exist"]}
            fresh[key] = self._stored(event)
        if known:
            return _error(422, "validation_errors", known)
        self.events |= fresh
        return _ok({"events": [self._stored(event) for event in events]})

    def _key(self, event: Event) -> tuple[str, ...]:
        last = event["external_subscription_id"] if self.store == "postgres" else _time(event["timestamp"])
        return event["transaction_id"], last

    def _stored(self, event: Event) -> Event:
        return {
            "lago_id": _uuid(event["transaction_id"]),
            "transaction_id": event["transaction_id"],
            "lago_customer_id": None,
            "lago_subscription_id": None,
            "external_subscription_id": event["external_subscription_id"],
            "code": event["code"],
            "timestamp": _time(event["timestamp"]),
            "precise_total_amount_cents": event.get("precise_total_amount_cents"),
            "properties": event.get("properties") or {},
            "created_at": _iso(self.clock.now_ns()),
        }

    def _named(self, transaction_id: str) -> list[Event]:
        return [event for event in self.events.values() if event["transaction_id"] == transaction_id]

    def _listed(self, asked: Mapping[str, str]) -> list[Event]:
        return [
            event
            for event in self.events.values()
            if all(asked.get(name) in {None, event[name]} for name in ("code", "external_subscription_id"))
            and asked.get("timestamp_from", "") <= event["timestamp"] <= asked.get("timestamp_to", "9999")
        ]

    def _invoice(self, invoice: Mapping[str, Any]) -> Reply:
        wrong = self._refusal(invoice)
        if wrong is not None:
            return wrong
        number = _uuid(f"invoice {len(self.fees)}")
        made = [self._fee(number, invoice, fee, place) for place, fee in enumerate(invoice["fees"])]
        total = sum(fee["amount_cents"] for fee in made)
        if total < 0:
            return _error(422, "validation_errors", {"total_amount_cents": ["value_is_out_of_range"]})
        self.fees += made
        return _ok({"invoice": _invoice_object(number, invoice["currency"], made)})

    def _refusal(self, invoice: Mapping[str, Any]) -> Reply | None:
        if invoice["external_customer_id"] not in self.customers:
            return _error(404, "customer_not_found")
        if not invoice.get("fees"):
            return _error(404, "fees_not_found")
        if any(fee["add_on_code"] not in self.add_ons for fee in invoice["fees"]):
            return _error(404, "add_on_not_found")
        currencies = {fee["amount_currency"] for fee in self.fees if _of(fee, invoice["external_customer_id"])}
        if currencies - {invoice["currency"]}:  # a customer has one currency, once there is an invoice
            return _error(422, "validation_errors", {"currency": ["currencies_does_not_match"]})
        return None

    def _fee(self, invoice: str, asked: Mapping[str, Any], fee: Mapping[str, Any], place: int) -> Fee:
        units = Decimal(fee.get("units") or "1")
        cents = (Decimal(fee["unit_amount_cents"]) * units).to_integral_value(ROUND_HALF_UP)
        return {
            "lago_id": _uuid(f"{invoice} {place}"),
            "lago_invoice_id": invoice,
            "external_customer_id": asked["external_customer_id"],
            "amount_cents": int(cents),
            "amount_currency": asked["currency"],
            "units": f"{units:f}",
            "description": fee.get("description"),
            "item": {"type": "add_on", "code": fee["add_on_code"], "name": fee.get("invoice_display_name")},
            "created_at": _iso(self.clock.now_ns()),
            "from_date": fee.get("from_datetime"),
            "to_date": fee.get("to_datetime"),
        }

    def _fees(self, asked: Mapping[str, str]) -> list[Fee]:
        return [
            fee
            for fee in self.fees
            if asked.get("external_customer_id") in {None, fee["external_customer_id"]}
            and asked.get("fee_type") in {None, "add_on"}
            and asked.get("created_at_from", "") <= fee["created_at"] <= asked.get("created_at_to", "9999")
        ]


def signed(body: bytes) -> dict[str, str]:
    """Return the headers of a notification with an HMAC signature."""
    signature = base64.b64encode(hmac.new(HMAC_KEY.encode(), body, hashlib.sha256).digest()).decode()
    return {"X-Lago-Signature": signature, "X-Lago-Signature-Algorithm": "hmac", "X-Lago-Unique-Key": "1"}


def _event_receipt(event: Event) -> Receipt:
    amount, properties = event["precise_total_amount_cents"], event["properties"]
    place = (event["transaction_id"], event["external_subscription_id"], event["code"])
    if amount is None:
        return Receipt(*place, quantity=Decimal(properties["value"]))
    return Receipt(*place, amount=Decimal(amount).scaleb(-2), currency=properties["currency"])


def _fee_receipt(fee: Fee) -> Receipt:
    item_id = fee["description"].rpartition("[")[2].partition(" ")[0]
    amount = Decimal(fee["amount_cents"]).scaleb(-2)
    return Receipt(item_id, fee["external_customer_id"], amount=amount, currency=fee["amount_currency"])


def _invalid(event: Mapping[str, Any]) -> dict[str, list[str]]:
    wrong = {
        name: ["value_is_mandatory"]
        for name in ("transaction_id", "code", "external_subscription_id")
        if not event.get(name)
    }
    try:
        Decimal(event.get("timestamp", "0"))
    except ArithmeticError:
        wrong["timestamp"] = ["invalid_format"]
    return wrong


def _page(name: str, rows: list[dict[str, Any]], asked: Mapping[str, str]) -> Reply:
    page, size = int(asked.get("page", "1")), int(asked.get("per_page", "100"))
    pages = max(1, -(-len(rows) // size))
    meta = {
        "current_page": page,
        "next_page": page + 1 if page < pages else None,
        "prev_page": page - 1 if page > 1 else None,
        "total_pages": pages,
        "total_count": len(rows),
    }
    return _ok({name: rows[(page - 1) * size : page * size], "meta": meta})


def _invoice_object(number: str, currency: str, fees: list[Fee]) -> dict[str, Any]:
    total = sum(fee["amount_cents"] for fee in fees)
    zero = (
        "coupons_amount_cents",
        "taxes_amount_cents",
        "credit_notes_amount_cents",
        "progressive_billing_credit_amount_cents",
        "prepaid_credit_amount_cents",
    )
    same = (
        "fees_amount_cents",
        "sub_total_excluding_taxes_amount_cents",
        "sub_total_including_taxes_amount_cents",
        "total_amount_cents",
        "total_due_amount_cents",
    )
    return {
        "lago_id": number,
        "number": f"LAG-{number[:4]}",
        "payment_overdue": False,
        "net_payment_term": 30,
        "invoice_type": "one_off",
        "version_number": 4,
        "status": "finalized",
        "payment_status": "pending" if total else "succeeded",
        "currency": currency,
        "fees": fees,
        **dict.fromkeys(zero, 0),
        **dict.fromkeys(same, total),
    }


def _of(fee: Fee, customer: str) -> bool:
    return bool(fee["external_customer_id"] == customer)


def _ok(document: Mapping[str, Any]) -> Reply:
    return reply(200, document, {"x-ratelimit-limit": "500"})


def _error(status: int, code: str, details: Mapping[str, Any] | None = None) -> Reply:
    document = {"status": status, "error": _REASONS[status], "code": code}
    return reply(status, document if details is None else {**document, "error_details": details})


def _time(seconds: str | int) -> str:
    return _iso(int(Decimal(seconds) * SECOND))


def _iso(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns / SECOND, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _uuid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


_EVENT_CUSTOMERS: Final = {
    "acme": {"external_subscription_id": "sub-acme"},
    "beta": {"external_subscription_id": "sub-beta"},
}
_ADD_ONS: Final = {"input": "input", "output": "output", "base_fee": "fees", "minimum": "fees"}
_METRICS: Final = {
    "input": {"code": "input_tokens"},
    "output": {"code": "output_tokens"},
    "base_fee": {"code": "fees"},
    "minimum": {"code": "fees"},
}
CASES = (
    Case("lago-events", Lago, _EVENT_CUSTOMERS, _METRICS, secrets={"key": KEY, "webhook": HMAC_KEY}),
    Case(
        "lago-rated-events",
        Lago,
        _EVENT_CUSTOMERS,
        _METRICS,
        {"key": KEY},
    ),
    Case(
        "lago-invoices",
        Lago,
        {name: {"external_customer_id": f"{name}-lago"} for name in ("acme", "beta")},
        {name: {"add_on_code": f"llm_{code}"} for name, code in _ADD_ONS.items()},
        {"key": KEY},
    ),
)
