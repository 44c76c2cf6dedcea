"""Price models as data. Quantities and prices are exact; prices are per single unit of the meter."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT
from tollspan_rater.pricing.canonical import LATER

PER: Final[dict[str, int]] = {"1": 0, "1K": 3, "1M": 6}  # how a price is quoted: powers of ten


@dataclass(frozen=True, slots=True)
class Tier:
    """A step of a tiered price. ``up_to`` is inclusive, ``None`` is open; ``flat`` is due once it is reached."""

    up_to: Decimal | None
    unit_price: Decimal
    flat: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class PerUnit:
    """Each unit costs the same."""

    unit_price: Decimal


@dataclass(frozen=True, slots=True)
class Graduated:
    """Each unit costs what the tier says in which it lies."""

    tiers: tuple[Tier, ...]


@dataclass(frozen=True, slots=True)
class Volume:
    """All units cost what the tier says in which the total lies."""

    tiers: tuple[Tier, ...]


@dataclass(frozen=True, slots=True)
class Stair:
    """A step of a stairstep price: a total up to and with ``up_to`` costs ``amount``; ``None`` is open."""

    up_to: Decimal | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Stairstep:
    """All units together cost the amount of the step in which the total lies."""

    stairs: tuple[Stair, ...]


@dataclass(frozen=True, slots=True)
class Package:
    """Every package of ``size`` units beyond the first ``free`` ones costs ``price``.

    ``round`` decides on the last one, which is not full: ``up`` charges it, ``down`` does not.
    """

    price: Decimal
    size: Decimal
    free: Decimal = Decimal(0)
    round: str = field(default="up", metadata=LATER)


@dataclass(frozen=True, slots=True)
class Flat:
    """Any use in the period costs ``amount``, once."""

    amount: Decimal


@dataclass(frozen=True, slots=True)
class Percentage:
    """A share of the quantity, which is an amount of money; ``rate`` is a fraction: 2.9 % is 0.029.

    ``fixed`` is due for each event; ``minimum`` and ``maximum`` clamp what an event costs, the fixed fee
    inside. Events are free while they are among the first ``free_events`` and as far as their total stays
    within ``free_amount``, each where given; a wholly free event costs nothing, a minimum notwithstanding.
    """

    rate: Decimal
    fixed: Decimal = Decimal(0)
    free_events: int = 0
    free_amount: Decimal = Decimal(0)
    minimum: Decimal | None = None
    maximum: Decimal | None = None

    @property
    def by_event(self) -> bool:
        """Whether the amount depends on single events and their order, not on their sum alone."""
        clamped = self.minimum is not None or self.maximum is not None
        return bool(self.fixed) or bool(self.free_events) or clamped


@dataclass(frozen=True, slots=True)
class CostPlus:
    """What the provider charges for the units, times ``factor`` (1.2 for a markup of 20 %), and ``margin`` a unit."""

    factor: Decimal = Decimal(1)
    margin: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Conversion:
    """Each unit counts as ``factor`` units of the meter ``to``, whose price decides what it costs."""

    to: str
    factor: Decimal


PriceModel = PerUnit | Graduated | Volume | Stairstep | Package | Flat | Percentage | CostPlus


def per_single_unit(price: Decimal, per: str) -> Decimal:
    """Turn a price per 1, 1K or 1M into the exact price of one unit, in its shortest form."""
    return shortest(EXACT.scaleb(price, -PER[per]))


def shortest(value: Decimal) -> Decimal:
    """Return the same number without trailing zeros and without an exponent, so that equal numbers read equal."""
    if value == value.to_integral_value():
        return Decimal(int(value))
    return EXACT.normalize(value)
