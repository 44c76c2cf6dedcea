"""What a quantity costs under a price model: exactly, and step by step.

Prices that follow single events or the provider's cost are in :mod:`tollspan_rater.rating.event_fee` and
:mod:`tollspan_rater.rating.cost_plus`. A negative quantity costs the negative of what its absolute value costs,
so that a correction becomes a credit. Zero costs nothing; what is due without use is a base fee, or a fee at zero.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from typing import Any, Final

from tollspan_rater.domain.money import EXACT
from tollspan_rater.pricing.model import (
    Flat,
    Graduated,
    Package,
    Percentage,
    PerUnit,
    PriceModel,
    Stairstep,
    Tier,
    Volume,
    shortest,
)

Amount = Callable[[Decimal], Decimal]
ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)
_add, _subtract, _times = EXACT.add, EXACT.subtract, EXACT.multiply


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an amount: ``quantity`` at ``unit_price`` (``None`` for a flat fee) makes ``amount``.

    A step on the way to the quantity has neither a unit price nor an amount.
    """

    text: str
    quantity: Decimal
    unit_price: Decimal | None
    amount: Decimal

    def __str__(self) -> str:
        if self.unit_price is None and not self.amount:
            return f"{self.text}: {self.quantity:,f}"
        price = "" if self.unit_price is None else f" x {self.unit_price:f}"
        return f"{self.text}: {self.quantity:,f}{price} = {self.amount:f}"


def amount_of(price: PriceModel) -> Amount:
    """Compile a price model to a function of the quantity; tiers are found by bisection."""
    positive = COMPILERS[type(price)](price)

    def amount(quantity: Decimal) -> Decimal:
        if quantity > ZERO:
            return positive(quantity)
        return positive(quantity.copy_negate()).copy_negate() if quantity else ZERO

    return amount


def steps_of(price: PriceModel, quantity: Decimal) -> tuple[Step, ...]:
    """Explain an amount; the steps' amounts add up to it exactly."""
    if not quantity:
        return ()
    steps = EXPLAINERS[type(price)](price, quantity.copy_abs())
    if quantity > ZERO:
        return tuple(steps)
    return tuple(
        Step(step.text, step.quantity.copy_negate(), step.unit_price, step.amount.copy_negate()) for step in steps
    )


def _per_unit(price: PerUnit) -> Amount:
    unit_price = price.unit_price
    return lambda quantity: _times(quantity, unit_price)


def _graduated(price: Graduated) -> Amount:
    tiers = price.tiers
    bounds = [tier.up_to for tier in tiers if tier.up_to is not None]
    lowers = [ZERO, *bounds]
    full = [
        _add(tier.flat, _times(_subtract(upper, lower), tier.unit_price))
        for tier, lower, upper in zip(tiers, lowers, bounds, strict=False)
    ]
    below = list(accumulate(full, _add, initial=ZERO))

    def amount(quantity: Decimal) -> Decimal:
        at = bisect_left(bounds, quantity)
        tier = tiers[at]
        inside = _times(_subtract(quantity, lowers[at]), tier.unit_price)
        return _add(_add(below[at], tier.flat), inside)

    return amount


def _volume(price: Volume) -> Amount:
    tiers = price.tiers
    bounds = [tier.up_to for tier in tiers if tier.up_to is not None]

    def amount(quantity: Decimal) -> Decimal:
        tier = tiers[bisect_left(bounds, quantity)]
        return _add(_times(quantity, tier.unit_price), tier.flat)

    return amount


def _stairstep(price: Stairstep) -> Amount:
    stairs = price.stairs
    bounds = [stair.up_to for stair in stairs if stair.up_to is not None]
    return lambda quantity: stairs[bisect_left(bounds, quantity)].amount


def _packages(price: Package, quantity: Decimal) -> Decimal:
    beyond = _subtract(quantity, price.free)
    if beyond <= ZERO:
        return ZERO
    whole, rest = EXACT.divmod(beyond, price.size)
    return EXACT.add(whole, ONE) if rest and price.round == "up" else whole


def _package(price: Package) -> Amount:
    return lambda quantity: _times(_packages(price, quantity), price.price)


def _flat(price: Flat) -> Amount:
    return lambda _quantity: price.amount


def _charged(price: Percentage, quantity: Decimal) -> Decimal:
    return max(_subtract(quantity, price.free_amount), ZERO)


def _percentage(price: Percentage) -> Amount:
    return lambda quantity: _times(_charged(price, quantity), price.rate)


def _explain_per_unit(price: PerUnit, quantity: Decimal) -> list[Step]:
    return [Step("each unit", quantity, price.unit_price, _times(quantity, price.unit_price))]


def _explain_graduated(price: Graduated, quantity: Decimal) -> list[Step]:
    steps: list[Step] = []
    lower = ZERO
    for tier in price.tiers:
        upper = quantity if tier.up_to is None else min(quantity, tier.up_to)
        steps += _explain_tier(tier, lower, _subtract(upper, lower))
        if tier.up_to is None or quantity <= tier.up_to:
            break
        lower = tier.up_to
    return steps


def _explain_volume(price: Volume, quantity: Decimal) -> list[Step]:
    lower = ZERO
    for tier in price.tiers:
        if tier.up_to is None or quantity <= tier.up_to:
            return _explain_tier(tier, lower, quantity, "all units, total ")
        lower = tier.up_to
    return []


def _explain_tier(tier: Tier, lower: Decimal, quantity: Decimal, intro: str = "") -> list[Step]:
    bound = f"above {lower:,f}" if tier.up_to is None else f"up to {tier.up_to:,f}"
    steps = [Step(intro + bound, quantity, tier.unit_price, _times(quantity, tier.unit_price))]
    if tier.flat:
        steps.append(Step(f"flat fee for reaching the tier {bound}", ONE, None, tier.flat))
    return steps


def _explain_stairstep(price: Stairstep, quantity: Decimal) -> list[Step]:
    lower = ZERO
    for stair in price.stairs:
        if stair.up_to is None or quantity <= stair.up_to:
            bound = f"above {lower:,f}" if stair.up_to is None else f"up to {stair.up_to:,f}"
            return [Step(f"a total of {quantity:,f} units lies {bound}", ONE, None, stair.amount)]
        lower = stair.up_to
    return []


def _explain_percentage(price: Percentage, quantity: Decimal) -> list[Step]:
    charged = _charged(price, quantity)
    steps = []
    if price.free_amount:
        free = _subtract(quantity, charged)
        steps.append(Step("free amount", free, ZERO, ZERO))
    percent = shortest(EXACT.scaleb(price.rate, 2))
    return [*steps, Step(f"{percent:f} % of the amount", charged, price.rate, _times(charged, price.rate))]


def _explain_package(price: Package, quantity: Decimal) -> list[Step]:
    steps = []
    if price.free:
        free = min(quantity, price.free)
        steps.append(Step("free units", free, ZERO, ZERO))
    packages = _packages(price, quantity)
    if packages:
        kind = "begun" if price.round == "up" else "full"
        text = f"{kind} packages of {shortest(price.size):,f}"
        steps.append(Step(text, packages, price.price, _times(packages, price.price)))
    return steps


def _explain_flat(price: Flat, _quantity: Decimal) -> list[Step]:
    return [Step("once in the period, for any use", ONE, None, price.amount)]


COMPILERS: Final[dict[type, Callable[[Any], Amount]]] = {
    PerUnit: _per_unit,
    Graduated: _graduated,
    Volume: _volume,
    Stairstep: _stairstep,
    Package: _package,
    Flat: _flat,
    Percentage: _percentage,
}
EXPLAINERS: Final[dict[type, Callable[[Any, Decimal], list[Step]]]] = {
    PerUnit: _explain_per_unit,
    Graduated: _explain_graduated,
    Volume: _explain_volume,
    Stairstep: _explain_stairstep,
    Package: _explain_package,
    Flat: _explain_flat,
    Percentage: _explain_percentage,
}
