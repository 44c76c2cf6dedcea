"""Stripe invoice items: each line of a statement becomes a pending item of the customer's next invoice.

A line below zero is an item below zero, so that the correction of a finalised invoice goes to the next one; its
``metadata`` points back. Stripe rates nothing: the amount is ours, to the minor unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tollspan_rater.export.contract import Contract, Needs
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.http import Answer, Request
from tollspan_rater.export.over_http import Asks, OverHttp, Rows
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
from tollspan_rater.export.targets import stripe

CONTRACT: Final = Contract(
    name="stripe-invoice-items",
    takes="amount",
    source="https://docs.stripe.com/api/invoiceitems/create, https://docs.stripe.com/api/idempotent_requests",
    per_second=25,
    dedup_s=stripe.DAY_S,  # an Idempotency-Key is kept for at least so long
    settle_s=120,
    digits=2,
    needs=Needs(customer=("customer",)),
    compares="entries",
)
_PATH: Final = "/v1/invoiceitems"
_OWN: Final = "tollspan_item"
_PAGE: Final = "100"
_CLOCKS_S: Final = 600  # by which Stripe's clock may be behind ours
_RULES: Final = (*stripe.RULES, Rule(range(500, 600), "look_first"))


def target(settings: Settings) -> InvoiceItems:
    """Make the target; secret ``key``."""
    return InvoiceItems(CONTRACT, stripe.connect(settings))


class InvoiceItems(OverHttp):
    """Hands over amounts as invoice items, and finds them again by their metadata."""

    def __init__(self, contract: Contract, http: Asks) -> None:
        super().__init__(contract, http)
        self._listed: dict[str, Rows | Unclear] = {}  # by customer, for one reconciliation

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Return the form of an invoice item; the period is the service time, both ends inclusive.

        Raises:
            UntellableError: the draft's amount is unknown, or it is finer than Stripe takes it.
        """
        amount, currency = self.amount(draft)
        return {
            "customer": mapped.customer["customer"],
            "currency": currency.lower(),
            "amount": str(stripe.minor(amount, currency, self.contract.name)),
            "description": draft.description[:500],
            "period": {
                "start": str(stripe.unix_s(draft.service.start_ns)),
                "end": str(stripe.unix_s(draft.service.end_ns - 1)),
            },
            **{name: value for name, value in mapped.customer.items() if name == "subscription"},
            "metadata": {_OWN: item_id, **_metadata(draft)},
        }

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        """Create one invoice item under its idempotency key."""
        return [self._send(sending) for sending in sendings]

    def look(self, sending: Sending) -> Sight:
        """Look through the customer's items since the first sending for the one with our id in its metadata."""
        since_s = stripe.unix_s(sending.since_ns) - _CLOCKS_S
        query = {"customer": sending.element["customer"], "created[gte]": str(since_s), "limit": _PAGE}
        items = self.rows(Request("GET", _PATH, query=query), "data", stripe.following)
        if isinstance(items, Unclear):
            return items
        found = next((one for one in items if at(one, "metadata", _OWN) == sending.item_id), None)
        return Absent() if found is None else Accepted(at(found, "id"))

    def held(self, wanted: Wanted) -> Held | Unclear:
        """List the items of a customer that say they are ours, of the meter and the statements that are wanted.

        Whatever their age, pending or invoiced; Stripe lists none that was deleted.
        """
        customer = wanted.customer["customer"]
        if customer not in self._listed:
            query = {"customer": customer, "limit": _PAGE}
            self._listed[customer] = self.rows(Request("GET", _PATH, query=query), "data", stripe.following)
        items = self._listed[customer]
        if isinstance(items, Unclear):
            return items
        return Held.of(
            Entry.of(at(one, "metadata", _OWN), stripe.major(one["amount"], wanted.currency))
            for one in items
            if _of(one, wanted)
        )

    def _send(self, sending: Sending) -> Outcome:
        answer = self.http.ask(Request("POST", _PATH, form=sending.element, headers={"Idempotency-Key": sending.key}))
        return outcome(answer, _RULES, stripe.said, _name)


def _name(answer: Answer) -> str | None:
    return at(answer.body, "id") or None if at(answer.body, "object") == "invoiceitem" else None


def _of(item: Mapping[str, Any], wanted: Wanted) -> bool:
    """Tell whether an item is one that was told of what is wanted, or says that it is of the same."""
    own, meter, label = (at(item, "metadata", name) for name in (_OWN, "tollspan_meter", "tollspan_period"))
    same = own != "" and meter == wanted.meter["meter"] and label in wanted.periods
    return at(item, "currency").upper() == wanted.currency and (own in wanted.items or same)


def _metadata(draft: Draft) -> dict[str, str]:
    """Say where an amount comes from; at most 500 characters a value, as Stripe allows."""
    said = {
        "tollspan_line": draft.component,
        "tollspan_meter": draft.meter,
        "tollspan_quantity": None if draft.quantity is None else f"{draft.quantity:f}",
        "tollspan_unit_price": None if draft.unit_price is None else f"{draft.unit_price:f}",
        "tollspan_period": draft.period,
        "tollspan_service": draft.service.label,
        "tollspan_price_version": draft.price_version,
        "tollspan_corrects": draft.corrects,
    }
    return {name: value[:500] for name, value in said.items() if value}
