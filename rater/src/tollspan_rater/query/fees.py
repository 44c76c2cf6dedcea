"""What bills hold besides usage: fees, and what discounts, commitments and bounds add or take off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT
from tollspan_rater.pricing.period import Period, local_day
from tollspan_rater.pricing.segment import Segment
from tollspan_rater.query.bill import rated_periods
from tollspan_rater.query.scope import Scope
from tollspan_rater.rating.line import RatedPeriod
from tollspan_rater.rating.rate import rate

FEES: Final = ("base_fee", "addon", "flat_fee")
UNPLACED: Final = "(base fee)"  # where an answer looks below the customer


@dataclass(slots=True)
class Beside:
    """Rounded fees and exact modifiers of some bills, in one currency."""

    fees: Decimal = Decimal(0)
    modifiers: Decimal = Decimal(0)


def beside_usage(
    scope: Scope, span: tuple[int, int] | None, customer: str | None, by: Sequence[str]
) -> dict[tuple[str | None, ...], Beside]:
    """Return what no call causes in all periods between two instants, by the dimensions of a grouping.

    It belongs to a customer, with or without usage; below that, it stands under ``(base fee)``. A period's month
    is the one in which it begins.
    """
    found: dict[tuple[str | None, ...], Beside] = {}
    for name, bill in _bills(scope, span, customer):
        month = local_day(bill.period.start_ns, bill.period.zone).isoformat()[:7]
        for line in (line for line in bill.lines if line.kind != "usage"):
            place = {"customer": name, "plan": line.plan, "month": month, "currency": line.currency}
            pot = found.setdefault((*(place.get(one, UNPLACED) for one in by), line.currency), Beside())
            if line.kind in FEES:
                pot.fees = EXACT.add(pot.fees, line.amount)
            else:
                pot.modifiers = EXACT.add(pot.modifiers, line.amount_exact)
    return found


def _bills(scope: Scope, span: tuple[int, int] | None, customer: str | None) -> Iterator[tuple[str, RatedPeriod]]:
    """Yield the bills that have such lines; usage is read only where the lines depend on it."""
    names = [name for name in scope.accounts.names() if customer in {None, name}] if span is not None else []
    wanted = [(name, period) for name in names for period in scope.accounts.periods(name, *(span or (0, 0)))]
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
