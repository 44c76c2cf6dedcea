"""Proration: the part of an amount or quantity that a part of a period's time has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from math import floor

from tollspan_rater.domain.money import EXACT


def by_time(parts: Iterable[tuple[Decimal, int]], whole_ns: int, unit: Decimal) -> Decimal:
    """Return the sum of values, each for its nanoseconds of ``whole_ns``, rounded half up once to ``unit``.

    One value for the whole time is that value, however many digits it has.
    """
    held: Counter[Decimal] = Counter()
    for value, part_ns in parts:
        held[value] += part_ns
    if len(held) == 1 and set(held.values()) == {whole_ns}:
        return next(iter(held))
    total = sum((Fraction(value) * part_ns for value, part_ns in held.items()), Fraction(0))
    units = Fraction(total, whole_ns * Fraction(unit))
    return EXACT.multiply(Decimal(floor(units + Fraction(1, 2))), unit)


def last_digit(value: Decimal) -> Decimal:
    """Return one unit of the last digit that a quantity is written with: 1 for 1000, 0.01 for 0.25."""
    exponent = value.as_tuple().exponent
    return Decimal(1).scaleb(min(exponent, 0)) if isinstance(exponent, int) else Decimal(1)
