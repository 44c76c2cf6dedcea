"""What bills hold besides usage: fees, and what discounts, commitments and bounds add or take off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT
from tollspan_rater.pricing.period import Period, local_day
from tollspan_rater.pricing.segment import Segment
from tollspan_rater.query.bill import rated_periods
from tollspan_rater.query.fee_share import Weights
from tollspan_rater.query.scope import Scope
from tollspan_rater.rating.line import Line, RatedPeriod
from tollspan_rater.rating.rate import rate

FEES: Final = ("base_fee", "addon", "flat_fee")
UNPLACED: Final = "(base fee)"  # where an answer looks below the customer


@dataclass(slots=True)
class Beside:
    """Rounded fees and exact modifiers of some bills, in one currency."""

    fees: Decimal = Decimal(0)
    modifiers: Decimal = Decimal(0)


def beside_usage(
    scope: Scope, params: Mapping[str, str], span: tuple[int, int] | None, by: Sequence[str], weights: Weights
) -> dict[tuple[str | None, ...], Beside]:
    """Return what no call causes in all periods between two instants, by the dimensions of a grouping.

    It belongs to a customer, with or without usage. Below that, a base fee is divided as its plan says, all else
    stands under ``(base fee)``. A period's month is the one in which it begins.
    """
    found: dict[tuple[str | None, ...], Beside] = {}
    whose = [name for name in ("customer", "segment") if name in by]
    for names, bill in _bills(scope, params, span):
        for line in (line for line in bill.lines if line.kind != "usage"):
            place = _place(bill.period, line)
            divided = line.kind == "base_fee" and not set(by) <= place.keys() | set(whose)
            for name in names:
                known = place | {one: _said(scope, name, one) for one in whose}
                parts = {(*(known.get(one, UNPLACED) for one in by), line.currency): line.amount}
                if divided:
                    rule = _rule(scope, name, bill.period, line.plan)
                    at = (name, bill.period.label, line.plan)
                    parts = weights.divided(line.amount, line.currency, at, rule) or parts
                for key, amount in parts.items():
                    _add(found.setdefault(key, Beside()), line, amount)
    return found


def _add(pot: Beside, line: Line, amount: Decimal) -> None:
    if line.kind in FEES:
        pot.fees = EXACT.add(pot.fees, amount)
    else:
        pot.modifiers = EXACT.add(pot.modifiers, line.amount_exact)


def _place(period: Period, line: Line) -> dict[str, str | None]:
    """Return the dimensions that a line has without any call, but for those that are its customer's."""
    return {
        "plan": line.plan,
        "month": local_day(period.start_ns, period.zone).isoformat()[:7],
        "period": period.label,
        "currency": line.currency,
    }


def _said(scope: Scope, customer: str, dimension: str) -> str | None:
    return customer if dimension == "customer" else scope.accounts.customer(customer).segment


def _rule(scope: Scope, customer: str, period: Period, plan: str) -> str:
    """Return how a plan divides its base fee."""
    held = (segment.plan for segment in scope.accounts.uncarried(customer, period))
    fees = (one.base_fee for one in held if one is not None and one.name == plan)
    return next((fee.allocate for fee in fees if fee is not None), "none")


def _bills(
    scope: Scope, params: Mapping[str, str], span: tuple[int, int] | None
) -> Iterator[tuple[Sequence[str], RatedPeriod]]:
    """Yield the bills that have such lines, each with the customers who have it: with those lines, and their amounts.

    Usage is read only where the lines depend on it. Who holds the same has all other bills in common, but for ids.
    """
    if span is None:
        return
    accounts = scope.accounts
    used: list[tuple[str | None, Period]] = []
    for names in _alike(scope, params):
        for period in accounts.periods(names[0], *span):
            segments = accounts.uncarried(names[0], period)
            if any(map(_depends_on_usage, segments)):
                used += [(name, period) for name in names]
            else:
                yield names, rate(period, segments, ())
    for (customer_of, _), bill in zip(used, rated_periods(scope, used) if used else (), strict=True):
        yield (customer_of or "",), bill


def _alike(scope: Scope, params: Mapping[str, str]) -> Iterable[Sequence[str]]:
    """Return the customers in question, together those who hold the same."""
    accounts, segment = scope.accounts, params.get("segment")
    found: dict[int, list[str]] = {}
    for name in accounts.names():
        if params.get("customer", name) == name and segment in {None, accounts.customer(name).segment}:
            found.setdefault(id(accounts.subscription(name)), []).append(name)
    return found.values()


def _depends_on_usage(segment: Segment) -> bool:
    plan = segment.plan
    return plan is not None and bool(plan.discounts or plan.minimum or plan.maximum or plan.commitment)
