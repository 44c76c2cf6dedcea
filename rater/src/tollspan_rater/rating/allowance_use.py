"""How much of each allowance was used: by all usage that counts toward quotas, on the invoice or not."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT
from tollspan_rater.pricing.model import shortest
from tollspan_rater.pricing.timeline import Segment
from tollspan_rater.rating.aggregate import AGGREGATES, Aggregate
from tollspan_rater.rating.line import AllowanceUse, UsageGroup
from tollspan_rater.rating.quantity import exclusive, inclusive
from tollspan_rater.rating.sample import Sample
from tollspan_rater.rating.tariff import Component, Tariff

ZERO: Final = Decimal(0)
Key = tuple[str, str, Decimal]  # plan, meter, limit of an allowance


def allowance_uses(tariff: Tariff, groups: Iterable[UsageGroup], samples: Iterable[Sample]) -> tuple[AllowanceUse, ...]:
    """Count what each allowance of a period was used by while its plan held.

    An allowance of a meter that others are converted to counts their converted quantities as well.
    """
    used: dict[Key, Decimal] = {key: ZERO for segment in tariff.segments for key in _keys(segment)}
    for group in groups:
        if group.decision.counts_toward_quota:
            for key in _keys(tariff.segments[group.segment]):
                more = EXACT.add(inclusive(group.quantities, key[1]), _converted(tariff, group, key[1]))
                used[key] = EXACT.add(used[key], more)
    for key, quantity in _sampled(tariff, samples):
        used[key] = EXACT.add(used[key], quantity)
    whole = {
        (key, one) for segment in tariff.segments for key, one in zip(_keys(segment), segment.included, strict=True)
    }
    held = {key: (one.added, one.carried) for key, one in whole}
    return tuple(AllowanceUse(*key, shortest(quantity), *held[key]) for key, quantity in sorted(used.items()))


def _keys(segment: Segment) -> list[Key]:
    plan = "" if segment.plan is None else segment.plan.name
    return [(plan, allowance.meter, allowance.quantity) for allowance in segment.included]


def _converted(tariff: Tariff, group: UsageGroup, meter: str) -> Decimal:
    route = tariff.route(group.segment, group.provider, group.model, group.facts)
    total = ZERO
    for source, quantity in exclusive(group.quantities).items():
        target = route[source]
        if target is not None and target.conversion is not None and target.conversion.to == meter:
            total = EXACT.add(total, EXACT.multiply(quantity, target.conversion.factor))
    return total


def _sampled(tariff: Tariff, samples: Iterable[Sample]) -> list[tuple[Key, Decimal]]:
    """Aggregate the samples of each allowance, component by component, as its line would."""
    found: dict[tuple[Key, Component], Aggregate] = {}
    for sample in samples:
        target = tariff.route(sample.segment, sample.provider, sample.model, sample.facts)[sample.meter]
        if target is None or not sample.decision.counts_toward_quota:
            continue
        component = tariff.components[target.component]
        for key in _keys(tariff.segments[sample.segment]):
            if key[1] == component.item.meter:
                if (key, component) not in found:
                    found[key, component] = AGGREGATES[component.item.aggregate]()
                found[key, component].take(sample.quantity, (sample.at_ns, sample.key), sample.of)
    return [(key, aggregate.quantity) for (key, _component), aggregate in found.items()]
