"""The bill of a customer for a period: lines with their explanation, exact totals, what is left of allowances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from tollspan_rater.credit.allowance import left_of
from tollspan_rater.domain.money import exact_sum
from tollspan_rater.errors import NotFoundError
from tollspan_rater.pricing.period import Period
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.bill import heard_of, with_usage_or_plan
from tollspan_rater.query.bill_state import service, state_details, state_notes
from tollspan_rater.query.books import Bill, Books
from tollspan_rater.query.held_notes import held_notes, reference_notes
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.selection import Selection, number_of
from tollspan_rater.query.wording import instant, plain
from tollspan_rater.rating.line import Line, RatedPeriod

COLUMNS: Final = (
    "customer", "period", "state", "line_id", "kind", "description", "meter", "quantity", "included", "billable",
    "unit_price", "amount", "amount_exact", "currency", "calls", "plan", "price_version", "why", "steps",
    "service_period", "corrects",
)  # fmt: skip


def invoice(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Answer: the bill of one customer, or of all."""
    names = with_usage_or_plan(scope) if "all" in params else [params["customer"]]
    if "all" not in params and not heard_of(scope, names[0]):
        raise NotFoundError("customer", names[0], "tollspan customers list and tollspan usage show who there is.")
    books = Books(scope, None if "all" in params else names[0])
    label = params.get("period")
    found = books.within(names, label) if "all" in params else [books.labelled(names[0], label)]
    bills = [bill.whole for bill in found]
    totals = {code: exact_sum(amounts) for code, amounts in _amounts(bills).items()}
    notes = [*_frame(bills)]
    for bill in found:
        notes.extend(_notes(bill.customer, bill.whole, single=len(names) == 1))
        notes.extend(f"{bill.customer}: {note}" for note in held_notes(scope, bill))
    notes.extend(reference_notes(scope, found))
    notes.extend(note for bill in found for note in state_notes(bill))
    if "all" in params:
        notes.extend(_nobodys(scope, bills))
    if len(totals) > 1:
        notes.extend(f"total {currency} {amount}" for currency, amount in totals.items())
    return Answer(
        f"Invoice of {names[0]}" if len(names) == 1 else "Invoices",
        COLUMNS,
        [
            _row(bill.customer, bill.rated.period, line) | {"state": bill.state} | service(bill, line)
            for bill in found
            for line in bill.whole.lines
        ],
        scope.as_of,
        scope.accounts.zone(names[0]) if len(names) == 1 else scope.zone,
        notes,
        _total(totals),
        details=_details_of(found),
    )


def _details_of(found: Sequence[Bill]) -> dict[str, object]:
    """Return each bill's details by its customer, with the period where the customer has several."""
    bills_of = Counter(bill.customer for bill in found)
    return {
        bill.customer if bills_of[bill.customer] == 1 else f"{bill.customer} {bill.rated.period.label}": _details(
            bill.whole
        )
        | state_details(bill)
        for bill in found
    }


def _amounts(bills: Iterable[RatedPeriod]) -> dict[str, list[Decimal]]:
    found: dict[str, list[Decimal]] = {}
    for money in sorted((money for bill in bills for money in bill.totals), key=lambda money: money.currency):
        found.setdefault(money.currency, []).append(money.amount)
    return found


def _total(totals: Mapping[str, Decimal]) -> dict[str, Cell] | None:
    """Return the total of bills in one currency; several are never added."""
    if len(totals) != 1:
        return None
    ((currency, amount),) = totals.items()
    return {"amount": amount, "currency": currency}


def _frame(bills: Iterable[RatedPeriod]) -> Iterator[str]:
    """Say which time the bills cover: a month is another one in another zone."""
    for period in dict.fromkeys(bill.period for bill in bills):
        yield f"period {period.label} in {period.zone}: {instant(period.start_ns)} up to {instant(period.end_ns)}"
    yield "amounts are net of tax"


def lines(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Answer: rated lines of all customers in a period, as exports carry them."""
    asked = {"period": params["period"]} if "period" in params else {}
    who = {"customer": params["customer"]} if "customer" in params else {"all": "true"}
    answer = invoice(scope, asked | who)
    return Answer(
        "Rated lines", COLUMNS, answer.rows, answer.as_of, answer.zone, answer.notes, answer.totals,
        details=answer.details,
    )  # fmt: skip


def _nobodys(scope: Scope, bills: Iterable[RatedPeriod]) -> Iterator[str]:
    """Say how many calls in the time that some bills cover are nobody's."""
    periods = [bill.period for bill in bills]
    if not periods:
        return
    start, end = min(of.start_ns for of in periods), max(of.end_ns for of in periods)
    count = number_of(scope.connection, Selection(scope.accounts.tenant, start, end, (), unattributed=True))
    if count:
        yield f"{count:,} calls have no customer and are on no invoice: tollspan usage --unattributed"


def _row(customer: str, period: Period, line: Line) -> dict[str, Cell]:
    return {
        "customer": customer,
        "period": period.label,
        "line_id": line.line_id,
        "kind": line.kind,
        "description": line.description,
        "meter": line.meter,
        "quantity": plain(line.quantity),
        "included": plain(line.included),
        "billable": plain(line.billable),
        "unit_price": plain(line.unit_price),
        "amount": line.amount,
        "amount_exact": plain(line.amount_exact),
        "currency": line.currency,
        "calls": line.calls,
        "plan": line.plan,
        "price_version": line.price_version,
        "why": line.why,
        "steps": [str(step) for step in line.steps],
    }


def _notes(customer: str, bill: RatedPeriod, *, single: bool) -> list[str]:
    prefix = "" if single else f"{customer}: "
    notes = []
    for use in bill.allowances:
        left = left_of(use.plan, use.meter, use.limit, use.used, bill.period)
        notes.append(
            f"{prefix}allowance of plan {left.plan}: {left.used:,f} of {left.limit:,f} {left.meter} used, "
            f"{left.remaining:,f} left, over by {left.over:,f}, resets {instant(left.resets_at_ns)}"
        )
    for share in bill.unpriced:
        quantity = "an unknown quantity" if share.quantity is None else f"{share.quantity:,f}"
        notes.append(f"{prefix}not priced ({share.reason}): {quantity} {share.meter} in {share.calls} calls")
    if single:
        notes.extend(_aside(bill))
        if not bill.lines:
            notes.append("nothing to bill in this period")
    return notes


def _aside(bill: RatedPeriod) -> Iterator[str]:
    """Say for each reason what is not on the invoice."""
    for reason in dict.fromkeys(share.reason for share in bill.not_on_invoice):
        shares = [share for share in bill.not_on_invoice if share.reason == reason and share.meter != "request"]
        quantities = ", ".join(f"{share.quantity or 0:,f} {share.meter}" for share in shares)
        calls = max(share.calls for share in bill.not_on_invoice if share.reason == reason)
        yield f"not on the invoice ({reason}): {calls:,} calls{' with ' if quantities else ''}{quantities}"


def _details(bill: RatedPeriod) -> dict[str, object]:
    return {
        "period": bill.period.label,
        "zone": bill.period.zone,
        "from": instant(bill.period.start_ns),
        "to": instant(bill.period.end_ns),
        "allowances": [
            {"plan": use.plan, "meter": use.meter, "included": f"{use.limit:f}", "used": f"{use.used:f}"}
            for use in bill.allowances
        ],
        "exact_totals": {money.currency: f"{money.amount:f}" for money in bill.exact_totals},
        "totals": {money.currency: f"{money.amount:f}" for money in bill.totals},
    }
