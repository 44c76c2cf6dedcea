"""The one rounding point: cumulative within a component, so that any number of part-bills equals one bill."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import floor

from tollspan_rater.domain.money import EXACT, Money, minor_unit


def rounded(exact: Decimal, currency: str) -> Decimal:
    """Round an exact amount half away from zero to the currency's minor unit."""
    return Money(exact, currency).rounded().amount


def to_book(exact: Decimal, booked_before: Decimal, currency: str) -> Decimal:
    """Return what a part-bill books: the rounded cumulative amount less what was booked before; may be negative."""
    return EXACT.subtract(rounded(exact, currency), booked_before)


def remainder(exact: Decimal, booked: Decimal) -> Decimal:
    """Return what is left unbooked of a component when its period closes; at most half a minor unit."""
    return EXACT.subtract(exact, booked)


def part_of(amount: Decimal, part_ns: int, whole_ns: int, currency: str) -> Decimal:
    """Return an amount's share for part of a time: exact for the whole, else rounded to the minor unit."""
    if part_ns == whole_ns:
        return amount
    unit = minor_unit(currency)
    units = Fraction(amount) * part_ns / whole_ns / Fraction(unit)
    return EXACT.multiply(Decimal(floor(units + Fraction(1, 2))), unit)
