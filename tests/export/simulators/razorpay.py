"""Razorpay's invoices, as https://razorpay.com/docs/api/payments/invoices describes them: no idempotency at all."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import zip_longest
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.export.case import Case
from tests.export.simulators.simulator import Call, Receipt, Reply, Simulator, reply
from tollspan_rater.domain.clock import Clock

KEY, SECRET = "rzp_test_simulator", "secret"
CUSTOMERS = ("cust_acme", "cust_beta")
RECEIPT_LENGTH, NOTES, NOTE_LENGTH, ITEMS = 40, 15, 256, 50


def error(status: int, code: str, description: str) -> Reply:
    return reply(status, {"error": {"code": code, "description": description}})


class Razorpay(Simulator):
    """Draft invoices with line items of at least one minor unit."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.invoices: list[dict[str, Any]] = []
        self._ids = itertools.count(1)

    def handle(self, call: Call) -> Reply:
        if call.headers.get("authorization") != "Basic " + base64.b64encode(f"{KEY}:{SECRET}".encode()).decode():
            return error(401, "BAD_REQUEST_ERROR", "Authentication failed")
        url = urlsplit(call.url)
        if url.path != "/v1/invoices":
            return error(404, "BAD_REQUEST_ERROR", "The requested URL was not found on the server.")
        return self._create(json.loads(call.body)) if call.method == "POST" else self._list(dict(parse_qsl(url.query)))

    def fail(self, call: Call, *, taken: bool) -> Reply:
        if taken:
            self.handle(call)
        return error(500, "SERVER_ERROR", "We are facing some trouble completing your request")

    def busy(self, call: Call) -> Reply:
        return error(429, "BAD_REQUEST_ERROR", "Too many requests")

    def receipts(self) -> Sequence[Receipt]:
        return [
            Receipt(item_id, invoice["customer_id"], amount=Decimal(amount).scaleb(-2), currency=invoice["currency"])
            for invoice in self.invoices
            for item_id, amount in zip_longest(
                _ids(invoice["notes"]), (line["amount"] for line in invoice["line_items"]), fillvalue=0
            )
        ]

    def _create(self, body: Mapping[str, Any]) -> Reply:
        findings = {
            "The id provided does not exist": body["customer_id"] not in CUSTOMERS,
            "The receipt may not be greater than 40 characters.": len(body["receipt"]) > RECEIPT_LENGTH,
            "line_items: at most 50": not 0 < len(body["line_items"]) <= ITEMS,
            "The amount must be at least 1.": any(
                type(line["amount"]) is not int or line["amount"] < 1 for line in body["line_items"]
            ),
            "notes: too many or too long": len(body["notes"]) > NOTES
            or any(len(note) > NOTE_LENGTH for note in body["notes"].values()),
        }
        why = next((why for why, found in findings.items() if found), "")
        if why:
            return error(400, "BAD_REQUEST_ERROR", why)
        invoice = {"id": f"inv_{next(self._ids):014}", "entity": "invoice", "status": "draft", **body}
        invoice["line_items"] = [
            {**line, "gross_amount": line["amount"] * line["quantity"]} for line in body["line_items"]
        ]
        self.invoices.append(invoice)
        return reply(200, invoice)

    def _list(self, query: Mapping[str, str]) -> Reply:
        newest = [one for one in reversed(self.invoices) if one["customer_id"] == query["customer_id"]]
        start = int(query.get("skip", "0"))
        page = newest[start : start + int(query.get("count", "10"))]
        return reply(200, {"entity": "collection", "count": len(page), "items": page})


def _ids(notes: Mapping[str, str]) -> list[str]:
    return [item_id for note in notes.values() for item_id in note.split(",")]


CASES = (
    Case(
        "razorpay-invoices",
        Razorpay,
        customers={"acme": {"customer": "cust_acme"}, "beta": {"customer": "cust_beta"}},
        secrets={"key_id": KEY, "key_secret": SECRET},
    ),
)
