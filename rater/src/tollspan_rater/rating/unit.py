"""Priced units: what a unit rule makes of a period's billable quantity."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT
from tollspan_rater.pricing.unit_rule import UnitRule

ONE: Final = Decimal(1)
TWO: Final = Decimal(2)


def priced_units(rule: UnitRule, quantity: Decimal) -> Decimal:
    """Convert and round a quantity; a negative one is rounded by its absolute value."""
    scaled = EXACT.scaleb(EXACT.multiply(quantity.copy_abs(), rule.multiply), rule.digits)
    if rule.round == "none":
        units = EXACT.divide(scaled, rule.divide)
    else:
        units, rest = EXACT.divmod(scaled, rule.divide)
        if _up(rule, rest):
            units = EXACT.add(units, ONE)
    return EXACT.scaleb(units, -rule.digits).copy_sign(quantity)


def _up(rule: UnitRule, rest: Decimal) -> bool:
    if rule.round == "half_up":
        return EXACT.multiply(rest, TWO) >= rule.divide
    return rule.round == "ceil" and bool(rest)
