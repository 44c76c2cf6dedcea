"""What earlier periods left of allowances that roll over, worked out from their usage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

import duckdb

from tollspan_rater.credit.rollover import rolled, units_of
from tollspan_rater.domain.money import EXACT
from tollspan_rater.pricing.allowance import Rollover
from tollspan_rater.pricing.grant import Carried
from tollspan_rater.pricing.period import Period
from tollspan_rater.pricing.segment import Segment
from tollspan_rater.query.accounts import Accounts, Lots
from tollspan_rater.query.groups import usage_of
from tollspan_rater.query.selection import Selection, bounds
from tollspan_rater.query.tariffs import Tariffs
from tollspan_rater.rating.line import AllowanceUse
from tollspan_rater.rating.rate import rate


def carried_from(connection: duckdb.DuckDBPyConnection) -> Callable[[Accounts, str | None, Period], Carried]:
    """Return how to tell what came into a customer's period, by plan and meter.

    Every period from the plan's first day on counts, of a plan held since ever every one from the first usage
    on: what was left of one depends on what came into it.
    """

    def carried(accounts: Accounts, name: str | None, of: Period) -> Carried:
        begin = _begin(connection, accounts, name, of)
        if begin is None or begin >= of.start_ns:
            return {}
        lots: Lots = {}
        for period in accounts.periods(name, begin, of.start_ns - 1):
            key = (name, period.label)
            if key not in accounts.lots:
                accounts.lots[key] = _left(connection, accounts, name, period, lots)
            lots = accounts.lots[key]
        return {key: units_of(held) for key, held in lots.items()}

    return carried


def _begin(connection: duckdb.DuckDBPyConnection, accounts: Accounts, name: str | None, of: Period) -> int | None:
    """Return where the periods begin that may leave something; ``None`` if nothing rolls over."""
    plans = [part.plan for part in accounts.uncarried(name, of) if part.plan is not None]
    if not any(one.rollover for plan in plans for one in plan.included):
        return None
    held = accounts.subscription(name)
    since = [held.first_held(plan.name) for plan in plans if any(one.rollover for one in plan.included)]
    if not since:
        return None
    if min(since):
        return min(since)
    used = bounds(connection, Selection(accounts.tenant, filters=(("customer", name or ""),)))
    return None if used is None else used[0]


def _left(
    connection: duckdb.DuckDBPyConnection, accounts: Accounts, name: str | None, period: Period, before: Lots
) -> Lots:
    """Return what a period leaves, given what came into it."""
    segments = accounts.segments(name, period)
    (usage,) = usage_of(connection, accounts, [(name, period)], Tariffs())
    rules = _rules(segments)
    return {
        (use.plan, use.meter): rolled(before.get((use.plan, use.meter), ()), _own(use), use.used, rule)
        for use in rate(period, segments, usage.groups, usage.samples).allowances
        if (rule := rules.get((use.plan, use.meter))) is not None
    }


def _own(use: AllowanceUse) -> Decimal:
    return EXACT.subtract(EXACT.subtract(use.limit, use.added), use.carried)


def _rules(segments: Sequence[Segment]) -> dict[tuple[str, str], Rollover]:
    """Return how allowances roll over, as their plans stated it last in the period."""
    plans = [segment.plan for segment in segments if segment.plan is not None]
    return {(plan.name, one.meter): one.rollover for plan in plans for one in plan.included if one.rollover}
