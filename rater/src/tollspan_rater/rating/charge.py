"""Charges: what a price item makes of a period's billable quantity, with its unit rule and its fee at zero.

The charge of nothing is nothing, and a negative quantity is charged the negative of what its absolute value is:
what an item asks for at zero (``zero_flat``) is a fee beside it, see :func:`fee_at_zero`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT
from tollspan_rater.pricing.item import PriceItem
from tollspan_rater.pricing.model import Flat, Graduated, PriceModel, Stairstep, Volume
from tollspan_rater.pricing.unit_rule import UnitRule
from tollspan_rater.rating.amount import Amount, Step, amount_of, steps_of
from tollspan_rater.rating.unit import priced_units

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)
ROUNDED: Final = {"none": "", "ceil": ", rounded up", "floor": ", rounded down", "half_up": ", rounded half up"}


def charge_of(item: PriceItem, price: PriceModel) -> Amount:
    """Compile an item to a function of the billable quantity."""
    amount, rule, fee = amount_of(price), item.unit, fee_at_zero(item)
    if rule is None and not fee:
        return amount

    def charge(billable: Decimal) -> Decimal:
        units = billable if rule is None else priced_units(rule, billable)
        return EXACT.subtract(amount(units), fee.copy_sign(units)) if units else ZERO

    return charge


def charge_steps(item: PriceItem, price: PriceModel, billable: Decimal) -> tuple[Step, ...]:
    """Explain a charge; the steps' amounts add up to it exactly."""
    rule, fee = item.unit, fee_at_zero(item)
    units, steps = billable, []
    if rule is not None:
        units = priced_units(rule, billable)
        steps.append(Step(_conversion(rule, billable), units, None, ZERO))
    steps += steps_of(price, units)
    if fee and units:
        text = "the fee at zero, which is a line of its own"
        steps.append(Step(text, ONE.copy_sign(units).copy_negate(), None, fee.copy_sign(units).copy_negate()))
    return tuple(steps)


def fee_at_zero(item: PriceItem) -> Decimal:
    """Return what an item asks for in a period without use; 0 for an item without ``zero_flat``."""
    if not item.zero_flat:
        return ZERO
    match item.price:
        case Graduated(tiers) | Volume(tiers):
            return tiers[0].flat
        case Stairstep(stairs):
            return stairs[0].amount
        case Flat(amount):
            return amount
    return ZERO


def _conversion(rule: UnitRule, billable: Decimal) -> str:
    by = f" x {rule.multiply:,f}" if rule.multiply != ONE else f" / {rule.divide:,f}" if rule.divide != ONE else ""
    digits = f" to {rule.digits} decimals" if rule.digits and rule.round != "none" else ""
    return f"units to price: {billable:,f}{by}{ROUNDED[rule.round]}{digits}"
