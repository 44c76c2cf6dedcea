"""R: from a customer's usage of a period and the plans valid then to lines that explain themselves. Pure, exact."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT
from tollspan_rater.pricing.model import shortest
from tollspan_rater.pricing.period import Period
from tollspan_rater.pricing.timeline import Segment
from tollspan_rater.rating.fee_line import base_fees
from tollspan_rater.rating.line import AllowanceUse, RatedPeriod, Share, UsageGroup
from tollspan_rater.rating.pool import included_of
from tollspan_rater.rating.quantity import inclusive
from tollspan_rater.rating.tally import Tally, tally
from tollspan_rater.rating.tariff import Tariff
from tollspan_rater.rating.usage_line import usage_line

ZERO: Final = Decimal(0)


def rate(period: Period, segments: Sequence[Segment], groups: Iterable[UsageGroup], *, owner: str = "") -> RatedPeriod:
    """Rate the usage of one customer in one period.

    ``segments`` cover the period (:func:`tollspan_rater.pricing.timeline.segments`). The order of ``groups``
    and how the usage is cut into groups do not matter. ``owner`` (tenant and customer) only makes line ids
    unique. An allowance covers what is on the invoice, in the order of the plan's cards.
    """
    tariff = Tariff(segments)
    listed = list(groups)
    counted = tally(tariff, listed)
    included = [ZERO] * len(tariff.components)
    for pool in tariff.pools:
        for index, quantity in included_of(pool, counted.quantities).items():
            included[index] = quantity
    lines = base_fees(period, tariff.segments, owner)
    for index, component in enumerate(tariff.components):
        if counted.quantities[index]:
            lines.append(usage_line(period, owner, component, counted, index, included[index]))
    return RatedPeriod(
        period=period,
        lines=tuple(lines),
        on_invoice=_shares(counted.on_invoice),
        not_on_invoice=_shares(counted.not_on_invoice),
        unpriced=(*_shares(counted.unpriced), *_unknown(counted)),
        allowances=_allowances(tariff, listed),
    )


def _shares(counts: dict[tuple[str, str], tuple[Decimal, int]]) -> tuple[Share, ...]:
    return tuple(
        Share(reason, meter, shortest(quantity), calls)
        for (reason, meter), (quantity, calls) in sorted(counts.items())
        if quantity
    )


def _unknown(counted: Tally) -> tuple[Share, ...]:
    return tuple(Share(reason, meter, None, calls) for (reason, meter), calls in sorted(counted.unknown.items()))


def _allowances(tariff: Tariff, groups: Iterable[UsageGroup]) -> tuple[AllowanceUse, ...]:
    """Count what each allowance was used by: all usage that counts toward quotas while its plan held."""
    used: dict[tuple[str, str, Decimal], Decimal] = {
        (segment.plan.name, allowance.meter, allowance.quantity): ZERO
        for segment in tariff.segments
        if segment.plan is not None
        for allowance in segment.plan.included
    }
    for group in groups:
        plan = tariff.segments[group.segment].plan
        if plan is not None and group.decision.counts_toward_quota:
            for allowance in plan.included:
                key = (plan.name, allowance.meter, allowance.quantity)
                used[key] = EXACT.add(used[key], inclusive(group.quantities, allowance.meter))
    return tuple(AllowanceUse(*key, shortest(quantity)) for key, quantity in sorted(used.items()))
