"""What is left of an allowance, period after period, while it may still be used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT, exact_sum
from tollspan_rater.pricing.allowance import Rollover

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Lot:
    """Units that a period left, and in how many of the periods after now they may still be used."""

    units: Decimal
    periods: int


def units_of(lots: Iterable[Lot]) -> Decimal:
    """Return how much some lots hold together."""
    return exact_sum(lot.units for lot in lots)


def rolled(lots: Sequence[Lot], own: Decimal, used: Decimal, rule: Rollover) -> tuple[Lot, ...]:
    """Return what goes into the next period, oldest first.

    ``lots`` came into the period, oldest first; ``own`` is what the plan granted in it. Use takes the oldest lot
    first and the period's own grant last; negative use takes nothing. Above the rule's most the oldest lapse.
    """
    rest = max(used, ZERO)
    kept: list[Lot] = []
    for lot in (*lots, Lot(own, rule.periods + 1)):
        taken = min(lot.units, rest)
        rest = EXACT.subtract(rest, taken)
        if taken < lot.units and lot.periods > 1:
            kept.append(Lot(EXACT.subtract(lot.units, taken), lot.periods - 1))
    return tuple(kept) if rule.most is None else _at_most(kept, rule.most)


def _at_most(lots: Sequence[Lot], most: Decimal) -> tuple[Lot, ...]:
    """Return the newest lots, as far as they hold no more than ``most`` together."""
    kept: list[Lot] = []
    room = most
    for lot in reversed(lots):
        units = min(lot.units, room)
        room = EXACT.subtract(room, units)
        if units:
            kept.append(replace(lot, units=units))
    return tuple(reversed(kept))
