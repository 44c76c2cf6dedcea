"""What a plan does to a bill beside its prices, in the most naive way: one function a modifier, in fractions.

Shares no code with tollspan.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor


def allowance(quantities: Sequence[Fraction], free: Fraction) -> list[Fraction]:
    """Hand out free units to quantities in their order; return what each got. A credit takes none."""
    given = []
    for quantity in quantities:
        part = min(quantity, free) if quantity > 0 else Fraction(0)
        free -= part
        given.append(part)
    return given


def rollover(used: Sequence[Fraction], quantity: Fraction, periods: int, most: Fraction | None) -> Fraction:
    """Return the free quantity of a period: its own, and what is left of that of the ``periods`` before.

    ``used`` is what each period before used, from the first one on: of the oldest grant first. What goes on to the
    next period is cut at ``most`` in all, the oldest first.
    """
    grants: list[Fraction] = []
    for use in used:
        grants = [*grants, quantity]
        left = subtracted(grants, max(use, Fraction(0)))[-periods:]
        grants = left if most is None else subtracted(left, max(sum(left) - most, Fraction(0)))
    return quantity + sum(grants)


def subtracted(heap: Sequence[Fraction], less: Fraction) -> list[Fraction]:
    """Take units out of heaps, the first one first."""
    return [amount - part for amount, part in zip(heap, allowance(heap, less), strict=True)]


def percent(amount: Fraction, off: Fraction) -> Fraction:
    """Return what a discount in percent takes off a line."""
    return -amount * off / 100


def fixed(left: Fraction, amount: Fraction) -> Fraction:
    """Return what a discount in money takes off what is left of a bill: never more than there is."""
    return -min(amount, max(left, Fraction(0)))


def commitment(used: Fraction, amount: Fraction, factor: Fraction, *, true_up: bool) -> tuple[Fraction, Fraction]:
    """Return what comes on top of usage under a commitment: up to the amount, and for what is beyond it."""
    if used <= amount:
        return (amount - used if true_up else Fraction(0)), Fraction(0)
    return Fraction(0), (used - amount) * (factor - 1)


def maximum(total: Fraction, most: Fraction) -> Fraction:
    """Return what has to be taken off (negative) so that a bill is at most ``most``."""
    return min(Fraction(0), most - total)


def minimum(total: Fraction, least: Fraction) -> Fraction:
    """Return what has to be added so that a bill is at least ``least``."""
    return max(Fraction(0), least - total)


def rounded(value: Fraction, digits: int, mode: str) -> Fraction:
    """Round to decimal digits: half_up and up go away from zero, down toward zero, half_even to the even one."""
    units = abs(value) * 10**digits
    half = units - floor(units) == Fraction(1, 2)
    whole = {
        "half_up": floor(units + Fraction(1, 2)),
        "half_even": floor(units) + floor(units) % 2 if half else floor(units + Fraction(1, 2)),
        "up": ceil(units),
        "down": floor(units),
    }[mode]
    return Fraction(whole, 10**digits) * (-1 if value < 0 else 1)


def prorated(amount: Fraction, held: int, whole: int, digits: int) -> Fraction:
    """Return an amount's share of a time: whole for the whole, else in minor units, half of one upward."""
    if held == whole:
        return amount
    return Fraction(floor(amount * held / whole * 10**digits + Fraction(1, 2)), 10**digits)
