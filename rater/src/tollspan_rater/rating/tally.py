"""Adds up groups of usage by component, and keeps apart what is not charged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT
from tollspan_rater.rating.line import UsageGroup
from tollspan_rater.rating.quantity import exclusive
from tollspan_rater.rating.tariff import Tariff

NO_PRICE: Final = "no price"
USAGE_UNKNOWN: Final = "usage unknown"
ZERO: Final = Decimal(0)

Counts = dict[tuple[str, str], tuple[Decimal, int]]  # (reason, meter) -> quantity, calls


@dataclass(slots=True)
class Tally:
    """Usage by component index, and by (reason, meter) for the partition of all usage."""

    quantities: list[Decimal]
    calls: list[int]
    segments: list[set[int]]
    contains: list[dict[str, Decimal]]
    versions: list[str | None]
    on_invoice: Counts = field(default_factory=dict)
    not_on_invoice: Counts = field(default_factory=dict)
    unpriced: Counts = field(default_factory=dict)
    unknown: dict[tuple[str, str], int] = field(default_factory=dict)


def tally(tariff: Tariff, groups: Iterable[UsageGroup]) -> Tally:
    """Add up groups; a request as such is usage only where requests have a price."""
    size = len(tariff.components)
    counted = Tally(
        quantities=[ZERO] * size,
        calls=[0] * size,
        segments=[set() for _ in range(size)],
        contains=[{} for _ in range(size)],
        versions=[segment.version for segment in tariff.segments],
    )
    for group in groups:
        if group.decision.on_invoice:
            _charge(tariff, group, counted)
        else:
            for meter, quantity in exclusive(group.quantities).items():
                _add(counted.not_on_invoice, group.decision.reason, meter, quantity, group.calls)
    return counted


def _charge(tariff: Tariff, group: UsageGroup, counted: Tally) -> None:
    route = tariff.route(group.segment, group.provider, group.model)
    problem = tariff.segments[group.segment].problem
    touched = set()
    for meter, quantity in exclusive(group.quantities).items():
        index = route[meter]
        if index is None:
            if meter != "request":
                _add(counted.unpriced, problem or NO_PRICE, meter, quantity, group.calls)
        elif quantity:
            touched.add(index)
            counted.quantities[index] = EXACT.add(counted.quantities[index], quantity)
            inside = counted.contains[index]
            inside[meter] = EXACT.add(inside.get(meter, ZERO), quantity)
            _add(counted.on_invoice, group.decision.reason, meter, quantity, group.calls)
    for index in touched:
        counted.calls[index] += group.calls
        counted.segments[index].add(group.segment)
    for meter, calls in group.unknown_calls.items():
        if calls:
            key = (problem or USAGE_UNKNOWN, meter)
            counted.unknown[key] = counted.unknown.get(key, 0) + calls


def _add(counts: Counts, reason: str, meter: str, quantity: Decimal, calls: int) -> None:
    before, calls_before = counts.get((reason, meter), (ZERO, 0))
    counts[reason, meter] = (EXACT.add(before, quantity), calls_before + calls)
