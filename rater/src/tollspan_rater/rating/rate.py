"""R: from a customer's usage of a period and the plans valid then to lines that explain themselves. Pure, exact."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from tollspan_rater.pricing.model import shortest
from tollspan_rater.pricing.period import Period
from tollspan_rater.pricing.timeline import Segment
from tollspan_rater.rating.allowance_use import allowance_uses
from tollspan_rater.rating.fee_line import addon_fees, base_fees
from tollspan_rater.rating.held_plan import held_plans
from tollspan_rater.rating.line import Line, RatedPeriod, Share, UsageGroup
from tollspan_rater.rating.modifier import modified, modifier_names
from tollspan_rater.rating.sample import Sample
from tollspan_rater.rating.tally import Tally, tally
from tollspan_rater.rating.tariff import Tariff
from tollspan_rater.rating.usage_line import fee_name, usage_lines

FEES: Final = ("base_fee", "addon")


def rate(
    period: Period,
    segments: Sequence[Segment],
    groups: Iterable[UsageGroup],
    samples: Iterable[Sample] = (),
    *,
    owner: str = "",
    tariff: Tariff | None = None,
) -> RatedPeriod:
    """Rate the usage of one customer in one period.

    ``segments`` cover the period (:func:`tollspan_rater.pricing.timeline.segments`). The order of ``groups``
    and how the usage is cut into groups do not matter; ``samples`` are the events of ``Tariff.sampled`` meters,
    in any order, and are not in the groups. ``owner`` (tenant and customer) only makes line ids
    unique. ``tariff`` is that of the segments where somebody has made it already. An allowance covers what is on
    the invoice, in the order of the plan's cards.
    """
    tariff = tariff or Tariff(segments)
    listed, events = list(groups), list(samples)
    counted = tally(tariff, listed, events)
    used = list(usage_lines(period, owner, tariff, counted))
    return RatedPeriod(
        period=period,
        lines=tuple(_bill(period, owner, tariff, used)),
        on_invoice=_shares(counted.on_invoice),
        not_on_invoice=_shares(counted.not_on_invoice),
        unpriced=(*_shares(counted.unpriced), *_unknown(counted)),
        allowances=allowance_uses(tariff, listed, events),
    )


def component_names(period: Period, segments: Sequence[Segment]) -> set[str]:
    """Return the components that lines of a period may have, whatever was used."""
    tariff = Tariff(segments)
    names = {name for held in held_plans(period, tariff.segments) for name in modifier_names(held)}
    return names | {name for component in tariff.components for name in (component.name, fee_name(component))}


def _bill(period: Period, owner: str, tariff: Tariff, used: Sequence[Line]) -> list[Line]:
    """Return the lines of fees and usage, plan by plan, then what each plan's modifiers make of them."""
    cards = {name: one.item.card for one in tariff.components for name in (one.name, fee_name(one))}
    plain: list[Line] = []
    modifiers: list[Line] = []
    for held in held_plans(period, tariff.segments):
        own = [
            *base_fees(held, owner),
            *addon_fees(held, owner),
            *(line for line in used if line.plan == held.plan.name),
        ]
        lines = modified(held, owner, own, cards)
        plain += lines[: len(own)]
        modifiers += lines[len(own) :]
    fees = [line for line in plain if line.kind in FEES]
    return [*fees, *(line for line in plain if line.kind not in FEES), *modifiers]


def _shares(counts: dict[tuple[str, str], tuple[Decimal, int]]) -> tuple[Share, ...]:
    return tuple(
        Share(reason, meter, shortest(quantity), calls)
        for (reason, meter), (quantity, calls) in sorted(counts.items())
        if quantity
    )


def _unknown(counted: Tally) -> tuple[Share, ...]:
    return tuple(Share(reason, meter, None, calls) for (reason, meter), calls in sorted(counted.unknown.items()))
