"""Razorpay invoices: the lines of a statement become line items of one draft invoice a customer and currency.

Drafts are looked through and issued by you. Razorpay takes no line below zero: with a correction in the customer's
favour among them, the lines of an invoice become one, of their sum, whose description names them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from tollspan_rater.domain.money import EXACT, exact_sum, exponent
from tollspan_rater.export.contract import Contract, Needs
from tollspan_rater.export.credential import basic
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.http import Answer, Http, Request
from tollspan_rater.export.over_http import OverHttp, Rows
from tollspan_rater.export.rules import Rule, at, named, outcome
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

CONTRACT: Final = Contract(
    name="razorpay-invoices",
    takes="amount",
    source="https://razorpay.com/docs/api/payments/invoices/",
    batch=50,
    together=("invoice",),
    per_second=5,
    dedup_s=0,
    settle_s=300,
    digits=2,
    negative="carried",
    needs=Needs(customer=("customer",)),
    compares="entries",
)
URL: Final = "https://api.razorpay.com"
_PATH: Final = "/v1/invoices"
_PAGE: Final = 100
_NOTE: Final = "tollspan_"
_IDS_OF_A_NOTE: Final = 7  # ids of 35 characters in the 256 of a note, of which an invoice has 15
_RULES: Final = (Rule(502, "unclear"), Rule(504, "unclear"))


def target(settings: Settings) -> Invoices:
    """Make the target; secrets ``key_id`` and ``key_secret``."""
    headers = {"Authorization": basic(settings.secret("key_id"), settings.secret("key_secret"))}
    return Invoices(CONTRACT, Http(settings.client, settings.url or URL, settings.clock, headers))


class Invoices(OverHttp):
    """Hands over amounts as draft invoices, and finds them again by the ids in their notes."""

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Return a line item in minor units, and the invoice that it belongs to.

        Raises:
            UntellableError: the draft's amount is unknown.
        """
        amount, currency = self.amount(draft)
        minor = int(EXACT.scaleb(amount, exponent(currency)))
        return {
            "invoice": {"customer_id": mapped.customer["customer"], "currency": currency, "period": draft.period},
            "line": {"name": draft.description[:512], "amount": minor, "currency": currency, "quantity": 1},
        }

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        """Create one draft invoice; its items are of one customer, currency and period."""
        made = self._create(sendings)
        return [made] * len(sendings)

    def look(self, sending: Sending) -> Sight:
        """Look through the customer's invoices for the one with our id in its notes."""
        invoices = self._invoices(sending.element["invoice"]["customer_id"])
        if isinstance(invoices, Unclear):
            return invoices
        found = next((one for one in invoices if sending.item_id in _ids(one)), None)
        return Absent() if found is None else Accepted(at(found, "id"))

    def held(self, wanted: Wanted) -> Held | Unclear:
        """List the lines of the customer's invoices that bear our ids, of the statements that are wanted.

        A cancelled invoice counts no more. The lines of one whose corrections were deducted are one entry.
        """
        invoices = self._invoices(wanted.customer["customer"])
        if isinstance(invoices, Unclear):
            return invoices
        return Held.of(entry for one in invoices if _of(one, wanted) for entry in _entries(one, wanted.currency))

    def _invoices(self, customer: str) -> Rows | Unclear:
        query = {"type": "invoice", "customer_id": customer, "count": str(_PAGE), "skip": "0"}
        return self.rows(Request("GET", _PATH, query=query), "items", _following)

    def _create(self, group: Sequence[Sending]) -> Outcome:
        of = group[0].element["invoice"]
        notes = {f"{_NOTE}{n}": ",".join(ids) for n, ids in enumerate(_chunks(group))}
        invoice = {
            "type": "invoice",
            "draft": "1",
            "receipt": group[0].item_id,
            "customer_id": of["customer_id"],
            "currency": of["currency"],
            "description": _title(of["period"]),
            "line_items": _lines([one.element["line"] for one in group], of["period"]),
            "notes": notes,
        }
        answer = self.http.ask(Request("POST", _PATH, json=invoice))
        return outcome(answer, _RULES, _said, named("id"))


def _following(page: Mapping[str, Any], asked: Request) -> Request | None:
    full = len(page["items"] or ()) == _PAGE
    return asked.also(skip=str(int(asked.query["skip"]) + _PAGE)) if full else None


def _lines(lines: Sequence[Mapping[str, Any]], period: str) -> list[dict[str, Any]]:
    if all(line["amount"] > 0 for line in lines):
        return [dict(line) for line in lines]
    parts = "; ".join(f"{line['name']}: {line['amount']}" for line in lines)
    net = sum(line["amount"] for line in lines)
    return [{**lines[0], "name": f"Usage {period}, corrections deducted", "description": parts[:2048], "amount": net}]


def _title(period: str) -> str:
    return f"Usage {period}"


def _of(invoice: Mapping[str, Any], wanted: Wanted) -> bool:
    """Tell whether an invoice is of what is wanted: one that was told of it, or that says it is of the same time."""
    ids = _ids(invoice)
    same = at(invoice, "description") in set(map(_title, wanted.periods))
    counts = invoice.get("status") != "cancelled" and invoice.get("currency") == wanted.currency
    return counts and bool(ids) and (same or not wanted.items.isdisjoint(ids))


def _entries(invoice: Mapping[str, Any], currency: str) -> Iterator[Entry]:
    """Yield an entry for each line where there are as many as ids, otherwise one for all."""
    ids = _ids(invoice)
    minor = (line.get("gross_amount", line["amount"]) for line in invoice["line_items"])
    amounts = [EXACT.scaleb(Decimal(units), -exponent(currency)) for units in minor]
    if len(amounts) == len(ids):
        yield from map(Entry.of, ids, amounts)
    else:
        yield Entry(tuple(ids), exact_sum(amounts))


def _ids(invoice: Mapping[str, Any]) -> list[str]:
    """Return the ids of an invoice's notes, in the order of its lines; notes without any are an empty list there."""
    notes = invoice.get("notes")
    ours = sorted(notes.items()) if isinstance(notes, Mapping) else ()
    return [item_id for name, ids in ours if name.startswith(_NOTE) for item_id in str(ids).split(",")]


def _chunks(group: Sequence[Sending]) -> Iterator[list[str]]:
    ids = [one.item_id for one in group]
    for first in range(0, len(ids), _IDS_OF_A_NOTE):
        yield ids[first : first + _IDS_OF_A_NOTE]


def _said(answer: Answer) -> tuple[str, str]:
    return at(answer.body, "error", "code"), at(answer.body, "error", "description")
