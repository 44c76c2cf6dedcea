"""Standings: what a component has counted so far in its period, and what that costs.

A bill takes all usage and then reads the steps; charges of calls take one call after the other and read the
amount in between: both look at the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT, exact_sum
from tollspan_rater.pricing.model import Conversion, CostPlus, Percentage, shortest
from tollspan_rater.rating.aggregate import AGGREGATES, WORDS, At
from tollspan_rater.rating.amount import Step
from tollspan_rater.rating.charge import charge_of, charge_steps
from tollspan_rater.rating.cost_plus import cost_of_part, cost_plus_amount, cost_plus_steps
from tollspan_rater.rating.event_fee import EventFees
from tollspan_rater.rating.tariff import Component

ZERO: Final = Decimal(0)
NO_TIME: Final[At] = (0, "")  # of a sum, which is no single event


class Standing:
    """The quantity of one component, its provider cost, and the fees of its events, as far as usage was taken."""

    def __init__(self, component: Component) -> None:
        self._component = component
        price = component.price
        self._sampled = component.item.sampled
        self._aggregate = AGGREGATES[component.item.aggregate]()
        self._fees = EventFees(price) if isinstance(price, Percentage) and price.by_event else None
        self._cost_plus = price if isinstance(price, CostPlus) else None
        self._charge = None if self._fees or self._cost_plus else charge_of(component.item, price)
        self._cost = ZERO
        self._converted: dict[tuple[str, Decimal], Decimal] = {}

    @property
    def quantity(self) -> Decimal:
        """The quantity in units of the component's meter."""
        return self._aggregate.quantity

    def take(
        self,
        meter: str,
        quantity: Decimal,
        conversion: Conversion | None = None,
        *,
        cost: Decimal = ZERO,
        at: At | None = None,
        of: str | None = None,
    ) -> Decimal:
        """Take usage of a meter and return how much that changed the quantity.

        ``at`` and ``of`` are those of a single event, ``cost`` is what the provider charges for the quantity.

        Raises:
            ValueError: for a sum where single events decide.
        """
        if at is None and self._sampled:
            msg = f"{self._component.name} looks at single events: give the usage of {meter} as samples"
            raise ValueError(msg)
        if conversion is not None:
            key = (meter, conversion.factor)
            self._converted[key] = EXACT.add(self._converted.get(key, ZERO), quantity)
            quantity = EXACT.multiply(quantity, conversion.factor)
        if self._cost_plus is not None:
            self._cost = EXACT.add(self._cost, cost)
        elif self._fees is not None:
            self._fees.take(quantity)
        return self._aggregate.take(quantity, at or NO_TIME, of)

    def amount(self, included: Decimal = ZERO) -> Decimal:
        """Return what the usage costs of which ``included`` units are free."""
        if self._fees is not None:
            return self._fees.amount
        billable = EXACT.subtract(self.quantity, included)
        if self._cost_plus is not None:
            return cost_plus_amount(self._cost_plus, cost_of_part(self._cost, billable, self.quantity), billable)
        return self._charge(billable) if self._charge is not None else ZERO

    def steps(self, free: Sequence[tuple[str, Decimal]] = ()) -> tuple[Step, ...]:
        """Explain the amount; the steps' amounts add up to it exactly.

        ``free`` are the units that cost nothing, each with the reason.
        """
        steps = [
            Step(f"{shortest(part):,f} {meter} x {factor:f}", EXACT.multiply(part, factor), None, ZERO)
            for (meter, factor), part in sorted(self._converted.items())
        ]
        if self._component.item.aggregate != "sum":
            steps.append(Step(WORDS[self._component.item.aggregate], self.quantity, None, ZERO))
        steps += [Step(name, quantity, ZERO, ZERO) for name, quantity in free]
        billable = EXACT.subtract(self.quantity, exact_sum(quantity for _, quantity in free))
        return tuple(
            replace(step, quantity=shortest(step.quantity), amount=shortest(step.amount))
            for step in (*steps, *self._price_steps(billable))
        )

    def _price_steps(self, billable: Decimal) -> tuple[Step, ...]:
        if self._fees is not None:
            return self._fees.steps()
        if self._cost_plus is not None:
            return cost_plus_steps(self._cost_plus, cost_of_part(self._cost, billable, self.quantity), billable)
        return charge_steps(self._component.item, self._component.price, billable)
