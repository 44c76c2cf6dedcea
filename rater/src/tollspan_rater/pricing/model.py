"""Price models as data. Quantities and prices are exact; prices are per single unit of the meter."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT

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
class Package:
    """Every begun package of ``size`` units beyond the first ``free`` ones costs ``price``."""

    price: Decimal
    size: Decimal
    free: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Flat:
    """Any use in the period costs ``amount``, once."""

    amount: Decimal


PriceModel = PerUnit | Graduated | Volume | Package | Flat


def per_single_unit(price: Decimal, per: str) -> Decimal:
    """Turn a price per 1, 1K or 1M into the exact price of one unit, in its shortest form."""
    return shortest(EXACT.scaleb(price, -PER[per]))


def shortest(value: Decimal) -> Decimal:
    """Return the same number without trailing zeros and without an exponent, so that equal numbers read equal."""
    if value == value.to_integral_value():
        return Decimal(int(value))
    return EXACT.normalize(value)
