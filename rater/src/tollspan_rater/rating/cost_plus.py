"""Cost plus: what the provider charges for the units, times a factor, and a margin for each of them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT
from tollspan_rater.pricing.model import CostPlus, shortest
from tollspan_rater.rating.amount import Step

NAME: Final = "cost plus"
COST_STEP: Final = "provider cost x"  # how the step begins that tells what the provider charges
ZERO: Final = Decimal(0)
SHARE_DIGITS: Final = Decimal("1e-12")  # of the cost of units that an allowance covers in part
WIDE: Final = Context(prec=200)


def cost_of_part(cost: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """Return the cost of part of the units: exact for all of them, else rounded half up to 12 decimals."""
    if part == whole:
        return cost
    share = WIDE.divide(WIDE.multiply(cost, part), whole) if whole else ZERO
    return share.quantize(SHARE_DIGITS, rounding=ROUND_HALF_UP, context=WIDE)


def cost_plus_amount(price: CostPlus, cost: Decimal, billable: Decimal) -> Decimal:
    """Return what units are charged that cost the provider's customer ``cost``."""
    return EXACT.add(EXACT.multiply(cost, price.factor), EXACT.multiply(billable, price.margin))


def cost_plus_steps(price: CostPlus, cost: Decimal, billable: Decimal) -> tuple[Step, ...]:
    """Explain the amount; the steps' amounts add up to it exactly."""
    factor = shortest(price.factor)
    steps = [Step(f"{COST_STEP} {factor:f}", cost, price.factor, EXACT.multiply(cost, price.factor))]
    if price.margin:
        steps.append(Step("margin of each unit", billable, price.margin, EXACT.multiply(billable, price.margin)))
    return tuple(steps)
