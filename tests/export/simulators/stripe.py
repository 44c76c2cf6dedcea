"""Stripe's billing interfaces, as https://docs.stripe.com/api describes what they do (API 2026-09-30.endive)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.export.case import Case
from tests.export.simulators.simulator import Call, Receipt, Reply, Simulator, reply
from tollspan_rater.domain.clock import Clock

DAY_S = 24 * 3600
KEY = "sk_test_simulator"
CUSTOMERS = ("cus_acme", "cus_beta")


class StripeInvoices(Simulator):
    """Invoice items and the idempotency layer before them.

    The first answer to an idempotency key, a server error as well, is kept for a day and repeated; the same key with
    other parameters is an error; what fails validation is not kept.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.items: list[dict[str, Any]] = []
        self._kept: dict[str, tuple[int, bytes, Reply]] = {}
        self._ids = itertools.count(1)

    def handle(self, call: Call) -> Reply:
        if call.headers.get("authorization") != f"Bearer {KEY}":
            return error(401, "invalid_request_error", "", "Invalid API Key provided")
        return self._once(call) if call.method == "POST" else self._answer(call)

    def fail(self, call: Call, *, taken: bool) -> Reply:
        key = call.headers.get("idempotency-key")
        if call.method == "POST" and (kept := self._repeated(call, key)) is not None:
            return kept
        if taken:
            self._answer(call)
        failed = error(500, "api_error", "", "An unknown error occurred")
        if key and call.method == "POST":
            self._kept[key] = (self.now_s(), call.body, failed)
        return failed

    def busy(self, call: Call) -> Reply:
        return error(429, "invalid_request_error", "rate_limit", "Request rate limit exceeded", {"retry-after": "2"})

    def receipts(self) -> Sequence[Receipt]:
        return [
            Receipt(
                item["metadata"].get("tollspan_item", ""),
                item["customer"],
                amount=Decimal(item["amount"]).scaleb(-2),
                currency=item["currency"].upper(),
            )
            for item in self.items
        ]

    def _once(self, call: Call) -> Reply:
        key = call.headers.get("idempotency-key")
        kept = self._repeated(call, key)
        if kept is not None:
            return kept
        answer = self._answer(call)
        if key and answer.status in {200, 500}:
            self._kept[key] = (self.now_s(), call.body, answer)
        return answer

    def _repeated(self, call: Call, key: str | None) -> Reply | None:
        if not key or key not in self._kept:
            return None
        at_s, body, kept = self._kept[key]
        if self.now_s() - at_s >= DAY_S:
            del self._kept[key]
            return None
        if body != call.body:
            words = "Keys for idempotent requests can only be used with the same parameters"
            return error(400, "idempotency_error", "", words)
        return Reply(kept.status, {**kept.headers, "idempotent-replayed": "true"}, kept.body)

    def _answer(self, call: Call) -> Reply:
        url = urlsplit(call.url)
        if url.path != "/v1/invoiceitems":
            return error(404, "invalid_request_error", "", f"Unrecognized request URL ({call.method}: {url.path})")
        return self._create(nested(call.body.decode())) if call.method == "POST" else self._list(nested(url.query))

    def _create(self, form: Mapping[str, Any]) -> Reply:
        unknown = set(form) - _INVOICE_ITEM
        if unknown:
            return error(400, "invalid_request_error", "parameter_unknown", f"Received unknown parameters: {unknown}")
        if form.get("customer") not in CUSTOMERS:
            return error(400, "invalid_request_error", "resource_missing", f"No such customer: {form.get('customer')}")
        try:
            amount = int(form["amount"])
        except (KeyError, ValueError):
            return error(400, "invalid_request_error", "parameter_invalid_integer", "Invalid integer: amount")
        if int(form["period"]["end"]) < int(form["period"]["start"]):
            return error(400, "invalid_request_error", "", "The period must end after it starts")
        item = {
            "id": f"ii_{next(self._ids):06}",
            "object": "invoiceitem",
            "amount": amount,
            "currency": form["currency"],
            "customer": form["customer"],
            "date": self.now_s(),
            "description": form.get("description"),
            "metadata": form.get("metadata", {}),
            "period": {name: int(value) for name, value in form["period"].items()},
            "invoice": None,
        }
        self.items.append(item)
        return reply(200, item)

    def _list(self, query: Mapping[str, Any]) -> Reply:
        since = int(query.get("created", {}).get("gte", 0))
        found = [one for one in reversed(self.items) if one["customer"] == query["customer"] and one["date"] >= since]
        if "starting_after" in query:
            place = next(place for place, one in enumerate(found) if one["id"] == query["starting_after"])
            found = found[place + 1 :]
        limit = int(query.get("limit", 10))
        return reply(
            200, {"object": "list", "data": found[:limit], "has_more": len(found) > limit, "url": query.get("url", "")}
        )


_INVOICE_ITEM = {
    "amount", "currency", "customer", "description", "discountable", "invoice", "metadata", "period", "pricing",
    "quantity", "quantity_decimal", "subscription", "tax_behavior", "tax_code", "unit_amount_decimal",
}  # fmt: skip


def error(status: int, kind: str, code: str, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    said = {"type": kind, "message": message, **({"code": code} if code else {})}
    return reply(status, {"error": said}, headers)


def nested(form: str) -> dict[str, Any]:
    """Read a form with names like ``payload[value]``."""
    read: dict[str, Any] = {}
    for name, value in parse_qsl(form, keep_blank_values=True, strict_parsing=bool(form)):
        first, *rest = list(_names(name))
        place = read
        for part in (first, *rest)[:-1]:
            place = place.setdefault(part, {})
        place[(first, *rest)[-1]] = value
    return read


def _names(name: str) -> Iterator[str]:
    first, *rest = name.split("[")
    yield first
    yield from (part.removesuffix("]") for part in rest)


CASES = (
    Case(
        "stripe-invoice-items",
        StripeInvoices,
        customers={"acme": {"customer": "cus_acme"}, "beta": {"customer": "cus_beta"}},
        secrets={"key": KEY},
    ),
)
