"""Adds up usage by component, and keeps apart what is not charged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT
from tollspan_rater.rating.line import UsageGroup
from tollspan_rater.rating.quantity import exclusive
from tollspan_rater.rating.route import Target
from tollspan_rater.rating.sample import Sample
from tollspan_rater.rating.standing import Standing
from tollspan_rater.rating.tariff import Tariff

NO_PRICE: Final = "no price"
USAGE_UNKNOWN: Final = "usage unknown"
COST_UNKNOWN: Final = "cost unknown"
VALUE_UNKNOWN: Final = "value unknown"
ZERO: Final = Decimal(0)

Counts = dict[tuple[str, str], tuple[Decimal, int]]  # (reason, meter) -> quantity, calls


@dataclass(slots=True)
class Tally:
    """Usage by component index, and by (reason, meter) for the partition of all usage."""

    standings: list[Standing]
    calls: list[int]
    segments: list[set[int]]
    contains: list[dict[str, Decimal]]
    versions: list[str | None]
    on_invoice: Counts = field(default_factory=dict)
    not_on_invoice: Counts = field(default_factory=dict)
    unpriced: Counts = field(default_factory=dict)
    unknown: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def quantities(self) -> list[Decimal]:
        """The quantity of each component."""
        return [standing.quantity for standing in self.standings]


def tally(tariff: Tariff, groups: Iterable[UsageGroup], samples: Iterable[Sample] = ()) -> Tally:
    """Add up groups and samples; a request as such is usage only where requests have a price."""
    counted = Tally(
        standings=[Standing(component) for component in tariff.components],
        calls=[0] * len(tariff.components),
        segments=[set() for _ in tariff.components],
        contains=[{} for _ in tariff.components],
        versions=[segment.version for segment in tariff.segments],
    )
    for group in groups:
        if group.decision.on_invoice:
            _charge(tariff, group, counted)
        else:
            for meter, quantity in exclusive(group.quantities).items():
                _add(counted.not_on_invoice, group.decision.reason, meter, quantity, group.calls)
    for sample in in_time(samples):
        if sample.decision.on_invoice:
            _charge_sample(tariff, sample, counted)
        else:
            _add(counted.not_on_invoice, sample.decision.reason, sample.meter, sample.quantity, 1)
    return counted


def in_time(samples: Iterable[Sample]) -> Sequence[Sample]:
    """Return samples in the order in which they count."""
    return sorted(samples, key=lambda sample: (sample.at_ns, sample.key, sample.meter))


def unpriced_reason(
    tariff: Tariff, segment: int, target: Target | None, *, cost: Decimal | None, of: str | None
) -> str | None:
    """Say why usage with this target has no price; ``None`` when it has one."""
    if target is None:
        return tariff.segments[segment].problem or NO_PRICE
    component = tariff.components[target.component]
    if component.follows_cost and cost is None:
        return COST_UNKNOWN
    return VALUE_UNKNOWN if component.item.aggregate == "unique" and of is None else None


def is_usage(meter: str, reason: str | None) -> bool:
    """Tell whether what has no price for a reason is usage to be listed: a request is where requests have a price."""
    return meter != "request" or reason == VALUE_UNKNOWN


def _charge(tariff: Tariff, group: UsageGroup, counted: Tally) -> None:
    route = tariff.route(group.segment, group.provider, group.model, group.facts)
    costs = group.costs or {}
    touched = set()
    for meter, quantity in exclusive(group.quantities).items():
        target = route[meter]
        reason = unpriced_reason(tariff, group.segment, target, cost=costs.get(meter), of="")
        if reason is not None or target is None:
            if is_usage(meter, reason):
                _add(counted.unpriced, reason or NO_PRICE, meter, quantity, group.calls)
        elif quantity or costs.get(meter):
            touched.add(target.component)
            standing = counted.standings[target.component]
            standing.take(meter, quantity, target.conversion, cost=costs.get(meter, ZERO))
            _contain(counted.contains[target.component], meter, quantity)
            _add(counted.on_invoice, group.decision.reason, meter, quantity, group.calls)
    for index in touched:
        counted.calls[index] += group.calls
        counted.segments[index].add(group.segment)
    problem = tariff.segments[group.segment].problem
    for meter, calls in group.unknown_calls.items():
        if calls:
            key = (problem or USAGE_UNKNOWN, meter)
            counted.unknown[key] = counted.unknown.get(key, 0) + calls


def _charge_sample(tariff: Tariff, sample: Sample, counted: Tally) -> None:
    meter, quantity = sample.meter, sample.quantity
    target = tariff.route(sample.segment, sample.provider, sample.model, sample.facts)[meter]
    reason = unpriced_reason(tariff, sample.segment, target, cost=None, of=sample.of)
    if reason is not None or target is None:
        if is_usage(meter, reason):
            _add(counted.unpriced, reason or NO_PRICE, meter, quantity, 1)
        return
    at = (sample.at_ns, sample.key)
    counted.standings[target.component].take(meter, quantity, target.conversion, at=at, of=sample.of)
    _contain(counted.contains[target.component], meter, quantity)
    counted.calls[target.component] += 1
    counted.segments[target.component].add(sample.segment)
    _add(counted.on_invoice, sample.decision.reason, meter, quantity, 1)


def _contain(inside: dict[str, Decimal], meter: str, quantity: Decimal) -> None:
    inside[meter] = EXACT.add(inside.get(meter, ZERO), quantity)


def _add(counts: Counts, reason: str, meter: str, quantity: Decimal, calls: int) -> None:
    before, calls_before = counts.get((reason, meter), (ZERO, 0))
    counts[reason, meter] = (EXACT.add(before, quantity), calls_before + calls)
