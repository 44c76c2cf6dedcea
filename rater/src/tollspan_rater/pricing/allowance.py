"""Allowances: units that a plan's base fee covers in each period."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from tollspan_rater.pricing.document import Node
from tollspan_rater.pricing.model import shortest
from tollspan_rater.pricing.reading import Reading
from tollspan_rater.pricing.tree import below


@dataclass(frozen=True, slots=True)
class Allowance:
    """Units of a meter, and of the meters below it, that the base fee covers in each period."""

    meter: str
    quantity: Decimal
    line: int = field(default=0, compare=False)


def read_included(node: Node | None, reading: Reading) -> tuple[Allowance, ...]:
    """Read a plan's allowances, ``{meter: quantity}``; two that cover the same units are noted."""
    table = reading.table(node, "included") if node is not None else None
    if table is None:
        return ()
    allowances: list[Allowance] = []
    for meter, value in table.entries.items():
        quantity = reading.number(value, f"the allowance of {meter}")
        for other in allowances:
            if below(meter, other.meter) or below(other.meter, meter):
                problem = f"the allowances of {other.meter} and {meter} cover the same units"
                reading.wrong(value, problem, "Keep one of the two")
        if quantity is not None:
            allowances.append(Allowance(meter, shortest(quantity), table.lines[meter]))
    return tuple(allowances)
