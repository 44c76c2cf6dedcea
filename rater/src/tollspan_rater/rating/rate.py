"""R: from a customer's usage of a period and the plans valid then to lines that explain themselves. Pure, exact."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from tollspan_rater.pricing.model import shortest
from tollspan_rater.pricing.period import Period
from tollspan_rater.pricing.timeline import Segment
from tollspan_rater.rating.allowance_use import allowance_uses
from tollspan_rater.rating.fee_line import base_fees
from tollspan_rater.rating.line import RatedPeriod, Share, UsageGroup
from tollspan_rater.rating.sample import Sample
from tollspan_rater.rating.tally import Tally, tally
from tollspan_rater.rating.tariff import Tariff
from tollspan_rater.rating.usage_line import usage_lines


def rate(
    period: Period,
    segments: Sequence[Segment],
    groups: Iterable[UsageGroup],
    samples: Iterable[Sample] = (),
    *,
    owner: str = "",
) -> RatedPeriod:
    """Rate the usage of one customer in one period.

    ``segments`` cover the period (:func:`tollspan_rater.pricing.timeline.segments`). The order of ``groups``
    and how the usage is cut into groups do not matter; ``samples`` are the events of ``Tariff.sampled`` meters,
    in any order, and are not in the groups. ``owner`` (tenant and customer) only makes line ids
    unique. An allowance covers what is on the invoice, in the order of the plan's cards.
    """
    tariff = Tariff(segments)
    listed, events = list(groups), list(samples)
    counted = tally(tariff, listed, events)
    lines = [*base_fees(period, tariff.segments, owner), *usage_lines(period, owner, tariff, counted)]
    return RatedPeriod(
        period=period,
        lines=tuple(lines),
        on_invoice=_shares(counted.on_invoice),
        not_on_invoice=_shares(counted.not_on_invoice),
        unpriced=(*_shares(counted.unpriced), *_unknown(counted)),
        allowances=allowance_uses(tariff, listed, events),
    )


def _shares(counts: dict[tuple[str, str], tuple[Decimal, int]]) -> tuple[Share, ...]:
    return tuple(
        Share(reason, meter, shortest(quantity), calls)
        for (reason, meter), (quantity, calls) in sorted(counts.items())
        if quantity
    )


def _unknown(counted: Tally) -> tuple[Share, ...]:
    return tuple(Share(reason, meter, None, calls) for (reason, meter), calls in sorted(counted.unknown.items()))
