"""Lago as one-off invoices: one for the lines of a customer that are due together, one fee a line.

Lago has no idempotency key here, so nothing is ever sent twice without a look first: each fee's description ends with
its item's id and time, and ``GET /fees`` tells it back. A fee may be below zero, an invoice may not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from tollspan_rater.domain.clock import from_ns
from tollspan_rater.domain.money import EXACT, exponent
from tollspan_rater.export.contract import Contract, Needs
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.http import Answer, Lost, Request
from tollspan_rater.export.over_http import OverHttp, Rows
from tollspan_rater.export.rules import Rule, named, objects, outcome
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
from tollspan_rater.export.targets.lago import RULES, Lago, following, listing, said
from tollspan_rater.query.wording import instant

AMOUNTS: Final = Contract(
    name="lago-invoices",
    takes="amount",
    source="lago-openapi 1.51.0 POST /invoices, GET /fees; lago-api fees/one_off_service.rb, models/invoice.rb",
    batch=500,
    per_second=50,
    dedup_s=0,
    settle_s=300,
    negative="carried",
    needs=Needs(customer=("external_customer_id",), meter=("add_on_code",)),
    compares="entries",
)
_RULES: Final = (
    Rule(404, "refused", "customer_not_found"),
    Rule(404, "refused", "add_on_not_found"),
    *RULES,
)
_OURS: Final = re.compile(r"\[(li_\w+) (\S+)\]$")  # item and time at the end of a fee's description
_SECOND: Final = 1_000_000_000
_SLACK_NS: Final = 3_600 * _SECOND  # its clock and ours differ


@dataclass(frozen=True, slots=True)
class Listing:
    """The fees of a customer that were made since an instant, as they were listed at another."""

    since_ns: int
    at_ns: int
    fees: Sequence[Mapping[str, Any]]

    def tells_of(self, sending: Sending) -> bool:
        """Tell whether a fee of a sending would be in it: it goes back far enough and was made late enough."""
        settled_ns = sending.since_ns + AMOUNTS.settle_s * _SECOND
        return self.since_ns <= sending.since_ns - _SLACK_NS and settled_ns <= self.at_ns


class LagoInvoices(OverHttp):
    """Makes one-off invoices in one organisation of Lago. Secret: ``key``."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(AMOUNTS, Lago(settings))
        self._clock = settings.clock
        self._listings: dict[str, Listing] = {}

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Make a fee with the customer and currency of its invoice; one unit at the line's whole amount.

        Raises:
            UntellableError: the draft's amount is unknown.
        """
        amount, currency = self.amount(draft)
        return {
            "external_customer_id": mapped.customer["external_customer_id"],
            "currency": currency,
            "fee": {
                "add_on_code": mapped.meter["add_on_code"],
                "invoice_display_name": draft.description,
                "unit_amount_cents": int(EXACT.scaleb(amount, exponent(currency))),
                "units": "1",
                "description": _described(draft, item_id, stamp_ns),
                "from_datetime": instant(draft.service.start_ns),
                "to_datetime": instant(draft.service.end_ns - _SECOND),
            },
        }

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        """Make an invoice for each customer and currency; after a refusal for the rate, the others are left."""
        told: dict[str, Outcome] = {}
        for group in _by_invoice(sendings):
            pause = next((one for one in told.values() if isinstance(one, NotTaken)), None)
            told |= dict.fromkeys((one.item_id for one in group), pause) if pause else self._invoiced(group)
        return [told[one.item_id] for one in sendings]

    def look(self, sending: Sending) -> Sight:
        """Look for the item's id among the descriptions of the customer's fees since it was first sent.

        The lines of one invoice are looked for one by one; the first of them lists the fees for all.
        """
        customer = sending.element["external_customer_id"]
        listing = self._listings.get(customer)
        if listing is None or not listing.tells_of(sending):
            since_ns, now_ns = max(0, sending.since_ns - _SLACK_NS), self._clock.now_ns()
            fees = self._fees(customer, {"created_at_from": instant(since_ns) or ""})
            if isinstance(fees, Unclear):
                return fees
            listing = self._listings[customer] = Listing(since_ns, now_ns, fees)
        found = next((fee for fee in listing.fees if sending.item_id in (fee.get("description") or "")), None)
        return Absent() if found is None else Accepted(str(found.get("lago_id", "")))

    def held(self, wanted: Wanted) -> Held | Unclear:
        """List the fees of a customer for an add-on that say they happened within the day."""
        fees = self._fees(wanted.customer["external_customer_id"], {})
        if isinstance(fees, Unclear):
            return fees
        start, end = _minute(wanted.start_ns), _minute(wanted.end_ns)
        what = wanted.meter["add_on_code"], wanted.currency
        return Held.of(
            Entry(_item(fee), EXACT.scaleb(Decimal(fee["amount_cents"]), -exponent(wanted.currency)))
            for fee in fees
            if (fee["item"]["code"], fee["amount_currency"]) == what and start <= _stamp(fee) < end
        )

    def _invoiced(self, group: Sequence[Sending]) -> dict[str, Outcome]:
        first, fees = group[0].element, [one.element["fee"] for one in group]
        total = sum(fee["unit_amount_cents"] for fee in fees)
        if total < 0:
            return dict.fromkeys((one.item_id for one in group), _below_zero(total, first))
        invoice = {name: first[name] for name in ("external_customer_id", "currency")}
        answer = self.http.ask(Request("POST", "/api/v1/invoices", json={"invoice": {**invoice, "fees": fees}}))
        whole = outcome(answer, _RULES, said, named("invoice", "lago_id"))
        if not isinstance(whole, Accepted):
            return dict.fromkeys((one.item_id for one in group), whole)
        names = _names(answer)
        return {one.item_id: Accepted(names.get(one.element["fee"]["description"], "")) for one in group}

    def _fees(self, customer: str, query: Mapping[str, str]) -> Rows | Unclear:
        asked = {"external_customer_id": customer, "fee_type": "add_on", **query}
        return self.rows(listing("fees", asked), "fees", following)


def target(settings: Settings) -> LagoInvoices:
    """Make the target."""
    return LagoInvoices(settings)


def _by_invoice(sendings: Sequence[Sending]) -> list[list[Sending]]:
    groups: dict[tuple[str, str], list[Sending]] = {}
    for one in sendings:
        groups.setdefault((one.element["external_customer_id"], one.element["currency"]), []).append(one)
    return list(groups.values())


def _below_zero(total: int, element: Element) -> Refused:
    why = (
        f"the lines of {element['external_customer_id']} that are due come to {total} minor units of "
        f"{element['currency']}, and Lago makes no invoice below zero: try again when later lines outweigh them, or "
        "issue a credit note in Lago and say that it is there"
    )
    return Refused("negative_total", why)


def _described(draft: Draft, item_id: str, stamp_ns: int) -> str:
    corrects = f", corrects {draft.corrects}" if draft.corrects else ""
    return f"{draft.service.label}, line {draft.component}{corrects} [{item_id} {_minute(stamp_ns)}]"


def _stamp(fee: Mapping[str, Any]) -> str:
    """Return the minute at which a fee says it happened; one that is not ours, when its service began."""
    ours = _OURS.search(fee.get("description") or "")
    return ours[2] if ours else str(fee.get("from_date") or "")


def _item(fee: Mapping[str, Any]) -> tuple[str, ...]:
    ours = _OURS.search(fee.get("description") or "")
    return (ours[1],) if ours else ()


def _minute(at_ns: int) -> str:
    return f"{from_ns(at_ns):%Y-%m-%dT%H:%MZ}"


def _names(answer: Answer | Lost) -> Mapping[str, str]:
    """Return Lago's ids of the fees it made, by their descriptions."""
    fees = objects(answer.document.get("invoice"), "fees") if isinstance(answer, Answer) else ()
    return {str(fee.get("description")): str(fee.get("lago_id", "")) for fee in fees}
