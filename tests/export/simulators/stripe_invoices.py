"""Stripe's invoice items (https://docs.stripe.com/api/invoiceitems)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from tests.export.simulators.simulator import Receipt, Reply, reply
from tests.export.simulators.stripe_form import INVALID, error, listed

CUSTOMERS = ("cus_acme", "cus_beta")
_FIELDS = {
    "amount", "currency", "customer", "description", "discountable", "invoice", "metadata", "period", "pricing",
    "quantity", "quantity_decimal", "subscription", "tax_behavior", "tax_code", "unit_amount_decimal",
}  # fmt: skip


class InvoiceItems:
    """What is pending on the next invoices. An item has either an amount or a unit amount and a quantity."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self._ids = itertools.count(1)

    def create(self, form: Mapping[str, Any], now_s: int) -> Reply:
        problem = _problem(form)
        if problem is not None:
            return problem
        item = {
            "id": f"ii_{next(self._ids):06}",
            "object": "invoiceitem",
            "amount": _amount(form),
            "currency": form["currency"],
            "customer": form["customer"],
            "date": now_s,
            "description": form.get("description"),
            "metadata": form.get("metadata", {}),
            "period": {name: int(value) for name, value in form.get("period", {"start": now_s, "end": now_s}).items()},
            "invoice": None,
        }
        self.items.append(item)
        return reply(200, item)

    def list(self, query: Mapping[str, Any]) -> Reply:
        since = int(query.get("created", {}).get("gte", 0))
        wanted = query.get("customer")
        found = [one for one in reversed(self.items) if wanted in {None, one["customer"]} and one["date"] >= since]
        return listed(found, query, "/v1/invoiceitems")

    def receipts(self) -> Iterator[Receipt]:
        for item in self.items:
            amount, currency = Decimal(item["amount"]).scaleb(-2), item["currency"].upper()
            yield Receipt(item["metadata"].get("tollspan_item", ""), item["customer"], amount=amount, currency=currency)


def _amount(form: Mapping[str, Any]) -> int:
    if "amount" in form:
        return int(form["amount"])
    exact = Decimal(form["unit_amount_decimal"]) * Decimal(form.get("quantity_decimal", form.get("quantity", "1")))
    return int(exact.quantize(Decimal(1), rounding="ROUND_HALF_UP"))


def _problem(form: Mapping[str, Any]) -> Reply | None:
    period = form.get("period", {"start": "0", "end": "0"})
    if unknown := set(form) - _FIELDS:
        return error(400, INVALID, "parameter_unknown", f"Received unknown parameters: {', '.join(sorted(unknown))}")
    if form.get("customer") not in CUSTOMERS:
        return error(400, INVALID, "resource_missing", f"No such customer: '{form.get('customer')}'")
    if "currency" not in form or ("amount" in form) == ("unit_amount_decimal" in form):
        return error(400, INVALID, "parameter_missing", "currency, and either amount or unit_amount_decimal")
    if any(Decimal(form[name]).as_tuple().exponent < -12 for name in form if name.endswith("_decimal")):  # type: ignore[operator]
        return error(400, INVALID, "parameter_invalid", "At most 12 decimal places")
    if "amount" in form and not form["amount"].removeprefix("-").isdigit():
        return error(400, INVALID, "parameter_invalid_integer", f"Invalid integer: {form['amount']}")
    if int(period["end"]) < int(period["start"]):
        return error(400, INVALID, "parameter_invalid", "The end of the period is before its start")
    if any(len(name) > 40 or len(value) > 500 for name, value in form.get("metadata", {}).items()):
        return error(400, INVALID, "parameter_invalid", "Metadata keys have at most 40 characters, values 500")
    return None
