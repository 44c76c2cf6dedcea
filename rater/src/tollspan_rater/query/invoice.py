"""The bill of a customer for a period: lines with their explanation, exact totals, what is left of allowances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from tollspan_rater.credit.allowance import left_of
from tollspan_rater.domain.money import EXACT
from tollspan_rater.errors import NotFoundError
from tollspan_rater.pricing.period import Period
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.groups import usage_groups
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.selection import Selection, bounds
from tollspan_rater.query.wording import instant, plain
from tollspan_rater.rating.line import Line, RatedPeriod
from tollspan_rater.rating.rate import rate

COLUMNS: Final = (
    "customer", "period", "line_id", "kind", "description", "meter", "quantity", "included", "billable",
    "unit_price", "amount", "amount_exact", "currency", "calls", "plan", "price_version", "why", "steps",
)  # fmt: skip


def rated_period(scope: Scope, customer: str | None, period: Period) -> RatedPeriod:
    """Return the bill of one customer in one period, from everything known now."""
    accounts = scope.accounts
    segments = accounts.segments(customer, period)
    groups = usage_groups(scope.connection, accounts.tenant, customer, segments, accounts.customer(customer).phase)
    return rate(period, segments, groups, owner=f"{accounts.tenant}/{customer or ''}")


def invoice(scope: Scope, params: Mapping[str, str], now_ns: int) -> Answer:
    """Answer: the bill of one customer, or of all."""
    names = _with_usage_or_plan(scope) if "all" in params else [params["customer"]]
    if "all" not in params and names[0] not in _with_usage_or_plan(scope):
        raise NotFoundError("customer", names[0], "tollspan customers list and tollspan usage show who there is.")
    rows: list[dict[str, Cell]] = []
    totals: dict[str, Decimal] = {}
    notes: list[str] = []
    details: dict[str, object] = {}
    for name in names:
        label = params.get("period")
        period = scope.accounts.period_at(name, now_ns) if label is None else scope.accounts.period(name, label)
        bill = rated_period(scope, name, period)
        rows.extend(_row(name, period, line) for line in bill.lines)
        for money in bill.totals:
            totals[money.currency] = EXACT.add(totals.get(money.currency, Decimal(0)), money.amount)
        notes.extend(_notes(name, bill, single=len(names) == 1))
        details[name] = _details(bill)
    notes.insert(0, f"period {params.get('period') or period.label if names else '-'}: amounts are net of tax")
    total = dict(totals) if len(totals) == 1 else {}
    shown: dict[str, Cell] | None = None
    for currency, amount in total.items():
        shown = {"amount": amount, "currency": currency}
    if len(totals) > 1:
        notes.extend(f"total {currency} {amount}" for currency, amount in sorted(totals.items()))
    zone = scope.accounts.zone(names[0]) if len(names) == 1 else scope.zone
    title = f"Invoice of {names[0]}" if len(names) == 1 else "Invoices"
    return Answer(title, COLUMNS, rows, scope.as_of, zone, notes, shown, details=details)


def lines(scope: Scope, params: Mapping[str, str], now_ns: int) -> Answer:
    """Answer: rated lines of all customers in a period, as exports carry them."""
    asked = {"period": params["period"]} if "period" in params else {}
    who = {"customer": params["customer"]} if "customer" in params else {"all": "true"}
    answer = invoice(scope, asked | who, now_ns)
    return Answer("Rated lines", COLUMNS, answer.rows, answer.as_of, answer.zone, (), answer.totals)


def base_fees(
    scope: Scope, span: tuple[int, int] | None, customer: str | None, by: Sequence[str]
) -> dict[tuple[str | None, ...], Decimal]:
    """Return the base fees of all periods between two instants, by the dimensions of a grouping.

    A base fee belongs to a customer, with or without usage; below that, it stands under ``(base fee)``.
    """
    fees: dict[tuple[str | None, ...], Decimal] = {}
    names = [name for name in scope.accounts.names() if customer in {None, name}] if span is not None else []
    for name in names:
        for period in scope.accounts.periods(name, *(span or (0, 0))):
            for line in rate(period, scope.accounts.segments(name, period), ()).lines:
                place = {"customer": name, "plan": line.plan, "month": period.label, "currency": line.currency}
                key = (*(place.get(dimension, "(base fee)") for dimension in by), line.currency)
                fees[key] = EXACT.add(fees.get(key, Decimal(0)), line.amount)
    return fees


def customers_with_usage(scope: Scope) -> list[str]:
    """Return the ids of all customers that calls were attributed to."""
    rows = scope.connection.execute(
        "SELECT DISTINCT customer FROM calls WHERE tenant = ? AND customer IS NOT NULL", [scope.accounts.tenant]
    ).fetchall()
    return [row[0] for row in rows]


def periods_of(scope: Scope, customer: str | None) -> list[Period]:
    """Return the periods from a customer's first usage to its last."""
    filters = () if customer is None else (("customer", customer),)
    found = bounds(
        scope.connection,
        Selection(scope.accounts.tenant, None, None, filters, unattributed=customer is None),
    )
    if found is None:
        return []
    return list(scope.accounts.periods(customer, *found))


def _with_usage_or_plan(scope: Scope) -> list[str]:
    return sorted({*scope.accounts.names(), *customers_with_usage(scope)})


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
        "steps": [
            f"{step.text}: {step.quantity:,f}"
            + ("" if step.unit_price is None else f" x {step.unit_price:f}")
            + f" = {step.amount:f}"
            for step in line.steps
        ],
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
    for share in bill.not_on_invoice if single else ():
        quantity = "an unknown quantity" if share.quantity is None else f"{share.quantity:,f}"
        notes.append(f"not on the invoice ({share.reason}): {quantity} {share.meter} in {share.calls} calls")
    return notes


def _details(bill: RatedPeriod) -> dict[str, object]:
    return {
        "exact_totals": {money.currency: f"{money.amount:f}" for money in bill.exact_totals},
        "totals": {money.currency: f"{money.amount:f}" for money in bill.totals},
    }
