"""What bills hold besides usage: fees, and what discounts, commitments and bounds add or take off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    for name, bill in _bills(scope, params, span):
        for line in (line for line in bill.lines if line.kind != "usage"):
            place = _place(scope, name, bill.period, line)
            parts = {(*(place.get(one, UNPLACED) for one in by), line.currency): line.amount}
            if line.kind == "base_fee" and not set(by) <= place.keys():
                rule = _rule(scope, name, bill.period, line.plan)
                parts = weights.divided(line.amount, line.currency, (name, bill.period.label, line.plan), rule) or parts
            for key, amount in parts.items():
                pot = found.setdefault(key, Beside())
                if line.kind in FEES:
                    pot.fees = EXACT.add(pot.fees, amount)
                else:
                    pot.modifiers = EXACT.add(pot.modifiers, line.amount_exact)
    return found


def _place(scope: Scope, customer: str, period: Period, line: Line) -> dict[str, str | None]:
    """Return the dimensions that a line has without any call."""
    return {
        "customer": customer,
        "plan": line.plan,
        "month": local_day(period.start_ns, period.zone).isoformat()[:7],
        "period": period.label,
        "segment": scope.accounts.customer(customer).segment,
        "currency": line.currency,
    }


def _rule(scope: Scope, customer: str, period: Period, plan: str) -> str:
    """Return how a plan divides its base fee."""
    held = (segment.plan for segment in scope.accounts.segments(customer, period))
    fees = (one.base_fee for one in held if one is not None and one.name == plan)
    return next((fee.allocate for fee in fees if fee is not None), "none")


def _bills(scope: Scope, params: Mapping[str, str], span: tuple[int, int] | None) -> Iterator[tuple[str, RatedPeriod]]:
    """Yield the bills that have such lines; usage is read only where the lines depend on it."""
    if span is None:
        return
    wanted = [
        (name, period)
        for name in scope.accounts.names()
        if params.get("customer", name) == name
        and params.get("segment") in {None, scope.accounts.customer(name).segment}
        for period in scope.accounts.periods(name, *span)
    ]
    used: list[tuple[str | None, Period]] = []
    for name, period in wanted:
        segments = scope.accounts.segments(name, period)
        if any(_depends_on_usage(segment) for segment in segments):
            used.append((name, period))
        else:
            yield name, rate(period, segments, ())
    for (customer_of, _), bill in zip(used, rated_periods(scope, used) if used else (), strict=True):
        yield customer_of or "", bill


def _depends_on_usage(segment: Segment) -> bool:
    plan = segment.plan
    return plan is not None and bool(plan.discounts or plan.minimum or plan.maximum or plan.commitment)
