"""Allowances: units that a plan's base fee, or an add-on, covers in each period."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from tollspan_rater.pricing.canonical import LATER
from tollspan_rater.pricing.document import Node, Table
from tollspan_rater.pricing.model import shortest
from tollspan_rater.pricing.reading import Reading
from tollspan_rater.pricing.tree import below


@dataclass(frozen=True, slots=True)
class Rollover:
    """What a period leaves of an allowance may be used in so many periods after it, at most ``most`` at a time."""

    periods: int
    most: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """Units of a meter, and of the meters below it, that the base fee covers in each period.

    ``prorate``: a plan held for part of a period has that part. As a plan states it, ``added`` and ``carried``
    are nothing; as it holds for a customer in a period, ``quantity`` is all there is, of which ``added`` came
    with add-ons and ``carried`` from earlier periods.
    """

    meter: str
    quantity: Decimal
    line: int = field(default=0, compare=False)
    rollover: Rollover | None = field(default=None, metadata=LATER)
    prorate: bool = field(default=False, metadata=LATER)
    added: Decimal = field(default=Decimal(0), metadata=LATER)
    carried: Decimal = field(default=Decimal(0), metadata=LATER)


def read_included(node: Node | None, reading: Reading) -> tuple[Allowance, ...]:
    """Read allowances, ``{meter: quantity}``; two that cover the same units are noted."""
    table = reading.table(node, "included") if node is not None else None
    if table is None:
        return ()
    allowances: list[Allowance] = []
    for meter, value in table.entries.items():
        for other in allowances:
            if below(meter, other.meter) or below(other.meter, meter):
                problem = f"the allowances of {other.meter} and {meter} cover the same units"
                reading.wrong(value, problem, "Keep one of the two")
        allowance = _read_allowance(meter, value, table.lines[meter], reading)
        if allowance is not None:
            allowances.append(allowance)
    return tuple(allowances)


def _read_allowance(meter: str, node: Node, line: int, reading: Reading) -> Allowance | None:
    """Read a quantity, or ``{quantity, rollover, prorate}``."""
    what = f"the allowance of {meter}"
    if not isinstance(node, Table):
        quantity = reading.number(node, what)
        return None if quantity is None else Allowance(meter, shortest(quantity), line)
    reading.only(node, ("quantity", "rollover", "prorate"), what)
    given = reading.needed(node, "quantity", what, "quantity: 1_000_000")
    if given is None:
        return None
    rollover = _read_rollover(node.entries["rollover"], reading) if "rollover" in node.entries else None
    prorate = reading.switch(node, "prorate", default=False)
    return Allowance(meter, shortest(given), line, rollover, prorate)


def _read_rollover(node: Node, reading: Reading) -> Rollover | None:
    """Read a number of periods, or ``{periods, max}``."""
    if not isinstance(node, Table):
        periods = reading.whole(node, "rollover")
        return None if periods is None else Rollover(periods)
    reading.only(node, ("periods", "max"), "rollover")
    if "periods" not in node.entries:
        reading.wrong(node, "rollover has no periods", "Add `periods: 1`: how many later periods may use what is left")
        return None
    periods = reading.whole(node.entries["periods"], "the periods of rollover")
    most = reading.number(node.entries["max"], "the max of rollover") if "max" in node.entries else None
    return None if periods is None else Rollover(periods, None if most is None else shortest(most))
