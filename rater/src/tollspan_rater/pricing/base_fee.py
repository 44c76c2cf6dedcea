"""Base fees: what a period costs before any use."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tollspan_rater.pricing.document import Node, Text
from tollspan_rater.pricing.model import shortest
from tollspan_rater.pricing.reading import Reading


@dataclass(frozen=True, slots=True)
class BaseFee:
    """What a period costs before any use; ``prorate``: a plan held for part of a period pays that part."""

    amount: Decimal
    prorate: bool = True


def read_base_fee(node: Node | None, reading: Reading) -> BaseFee | None:
    """Read a base fee: an amount, or ``{amount, prorate}``."""
    if node is None:
        return None
    if isinstance(node, Text):
        amount = reading.number(node, "the base fee")
        return None if amount is None else BaseFee(shortest(amount))
    table = reading.table(node, "the base fee")
    if table is None:
        return None
    reading.only(table, ("amount", "prorate"), "a base fee")
    if "amount" not in table.entries:
        reading.wrong(table, "the base fee has no amount", "Add `amount: 99.00`")
        return None
    amount = reading.number(table.entries["amount"], "the base fee")
    prorate = reading.yes_no(table.entries["prorate"], "prorate") if "prorate" in table.entries else True
    return None if amount is None else BaseFee(shortest(amount), prorate is not False)
