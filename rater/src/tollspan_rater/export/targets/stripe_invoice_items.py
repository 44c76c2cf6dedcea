"""Stripe invoice items: each line of a statement becomes a pending item of the customer's next invoice.

A line below zero is an item below zero, so that the correction of a finalised invoice goes to the next one; its
``metadata`` points back. Stripe rates nothing: the amount is ours, to the minor unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tollspan_rater.errors import UntellableError
from tollspan_rater.export.contract import Contract, Needs
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.http import Answer, Http, Request
from tollspan_rater.export.rules import Rule, at, outcome
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
)
_PATH: Final = "/v1/invoiceitems"
_OWN: Final = "tollspan_item"
_PAGE, _PAGES = 100, 200  # items of one page, and pages of one look
_CLOCKS_S: Final = 600  # by which Stripe's clock may be behind ours
_RULES: Final = (*stripe.RULES, Rule(range(500, 600), "look_first"))


def target(settings: Settings) -> InvoiceItems:
    """Make the target; secret ``key``."""
    return InvoiceItems(stripe.connect(settings))


class InvoiceItems:
    """Hands over amounts as invoice items, and finds them again by their metadata."""

    def __init__(self, http: Http) -> None:
        self._http = http

    @property
    def contract(self) -> Contract:
        """What Stripe allows."""
        return CONTRACT

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Return the form of an invoice item; the period is the service time, both ends inclusive.

        Raises:
            UntellableError: the draft has no amount, or one that is finer than Stripe takes it.
        """
        if draft.amount is None or draft.currency is None:
            raise UntellableError(CONTRACT.name, draft.component, "an invoice item needs an amount and a currency")
        return {
            "customer": mapped.customer["customer"],
            "currency": draft.currency.lower(),
            "amount": str(stripe.minor(draft.amount, draft.currency, CONTRACT.name)),
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
        for answer in self._pages(sending.element["customer"], stripe.unix_s(sending.since_ns) - _CLOCKS_S):
            if isinstance(answer, Unclear):
                return answer
            found = next((one for one in answer if at(one, "metadata", _OWN) == sending.item_id), None)
            if found is not None:
                return Accepted(at(found, "id"))
        return Absent()

    def held(self, wanted: Wanted) -> Held | None:
        """Say nothing: Stripe keeps items by invoice, not by meter and day."""
        return None

    def close(self) -> None:
        """End the connections."""
        self._http.close()

    def _send(self, sending: Sending) -> Outcome:
        answer = self._http.ask(Request("POST", _PATH, form=sending.element, headers={"Idempotency-Key": sending.key}))
        return outcome(answer, _RULES, stripe.said, lambda answer: at(answer.body, "id"))

    def _pages(self, customer: str, since_s: int) -> Iterator[Sequence[Mapping[str, Any]] | Unclear]:
        query = {"customer": customer, "created[gte]": str(since_s), "limit": str(_PAGE)}
        for _ in range(_PAGES):
            answer = self._http.ask(Request("GET", _PATH, query=query))
            page = answer.body if isinstance(answer, Answer) and answer.ok else None
            if not isinstance(page, Mapping):
                yield Unclear(answer.text[:200] if isinstance(answer, Answer) else answer.why)
                return
            items = list(page.get("data", ()))
            yield items
            if not items or not page.get("has_more"):
                return
            query = {**query, "starting_after": at(items[-1], "id")}
        yield Unclear(f"there are more than {_PAGE * _PAGES} items of this customer")


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
