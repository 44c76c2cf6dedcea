"""Unit rules: what is priced is not always what is counted: a period's units are converted and rounded first."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tollspan_rater.pricing.document import Node
from tollspan_rater.pricing.model import shortest
from tollspan_rater.pricing.reading import Reading

UNIT_KEYS: Final = ("divide", "multiply", "round", "digits")
ROUNDS: Final = ("none", "ceil", "floor", "half_up")
MAX_DECIMALS: Final = 12


@dataclass(frozen=True, slots=True)
class UnitRule:
    """The billable quantity of a period times ``multiply`` by ``divide``, rounded to ``digits`` decimals.

    ``round`` is one of ``ROUNDS``; negative quantities are rounded by their absolute value.
    """

    multiply: Decimal = Decimal(1)
    divide: Decimal = Decimal(1)
    round: str = "none"
    digits: int = 0


def read_unit_rule(node: Node | None, meter: str, reading: Reading) -> UnitRule | None:
    """Read ``unit: {divide | multiply, round, digits}``; a division that never ends must be rounded."""
    table = reading.table(node, f"the unit of {meter}") if node is not None else None
    if table is None:
        return None
    reading.only(table, UNIT_KEYS, "unit")
    entries = table.entries
    if "divide" in entries and "multiply" in entries:
        reading.wrong(table, f"the unit of {meter} both divides and multiplies", "Keep one of the two")
        return None
    factors = {}
    for key in ("divide", "multiply"):
        factor = reading.number(entries[key], f"{key} of a unit") if key in entries else Decimal(1)
        if factor == 0:
            reading.wrong(entries[key], f"the unit of {meter} has {key} 0", "Write a number above 0")
        factors[key] = factor or Decimal(1)
    rounding = reading.choice(entries.get("round"), "round", ROUNDS, "none")
    digits = reading.whole(entries["digits"], "digits", least=0, most=MAX_DECIMALS) if "digits" in entries else 0
    if rounding == "none" and not _ends(factors["divide"]):
        problem = f"dividing {meter} by {factors['divide']:f} leaves more than {MAX_DECIMALS} decimals"
        reading.wrong(entries["divide"], problem, "Add `round: half_up` and `digits: 6`, or take another divisor")
    return UnitRule(shortest(factors["multiply"]), shortest(factors["divide"]), rounding, digits or 0)


def _ends(divisor: Decimal) -> bool:
    """Tell whether dividing by a number adds at most ``MAX_DECIMALS`` decimals."""
    numerator, _ = divisor.as_integer_ratio()
    return 10**MAX_DECIMALS % numerator == 0
