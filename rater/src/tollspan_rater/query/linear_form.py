"""Linear forms: what calls of one kind add to each component, as sums of their columns.

What decides on a call (its segment, model, decision, which counts are known) has few different values. For each of
them the engine itself is asked, with each column at 0 and at 1, what such a call adds to which component.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT
from tollspan_rater.domain.usage import TOKEN_FIELDS, Usage
from tollspan_rater.rating.quantity import exclusive, of_usage
from tollspan_rater.rating.route import Route

ZERO: Final = Decimal(0)
QUANTITY: Final = "quantity"  # the column of unit measures
UNIT: Final = "unit."  # before the name of a meter in the column ``units``


@dataclass(frozen=True, slots=True)
class Form:
    """``constant`` and, for each column, what one unit of it adds."""

    constant: Decimal = ZERO
    factors: tuple[tuple[str, Decimal], ...] = ()

    @property
    def numbers(self) -> tuple[Decimal, ...]:
        """All numbers of the form."""
        return (self.constant, *(factor for _, factor in self.factors))


def forms_of(route: Route, meter: str | None, known: tuple[str, ...]) -> dict[int, Form]:
    """Return what calls add to each component: of a call ``known`` are its columns, a unit measure has a ``meter``."""
    columns = known if meter is None else (QUANTITY,)
    at_zero = _added(route, meter, dict.fromkeys(columns, ZERO))
    steps = {column: _added(route, meter, {**dict.fromkeys(columns, ZERO), column: Decimal(1)}) for column in columns}
    return {
        component: Form(
            constant,
            tuple(
                (column, factor)
                for column, added in steps.items()
                if (factor := EXACT.subtract(added[component], constant))
            ),
        )
        for component, constant in at_zero.items()
    }


def _added(route: Route, meter: str | None, values: Mapping[str, Decimal]) -> dict[int, Decimal]:
    if meter is None:
        tokens = {name: int(values[name]) for name in TOKEN_FIELDS if name in values}
        units = {name.removeprefix(UNIT): value for name, value in values.items() if name.startswith(UNIT)}
        quantities = of_usage(Usage(**tokens, units=units))
    else:
        quantities = {meter: values[QUANTITY]}
    added: dict[int, Decimal] = {}
    for name, quantity in exclusive(quantities).items():
        target = route[name]
        if target is not None:
            factor = Decimal(1) if target.conversion is None else target.conversion.factor
            before = added.get(target.component, ZERO)
            added[target.component] = EXACT.add(before, EXACT.multiply(quantity, factor))
    return added
