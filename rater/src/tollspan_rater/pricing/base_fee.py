"""Base fees: what a period costs before any use."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from tollspan_rater.pricing.canonical import LATER
from tollspan_rater.pricing.document import Node, Text
from tollspan_rater.pricing.model import shortest
from tollspan_rater.pricing.reading import Reading

ALLOCATIONS: Final = ("none", "usage", "equal")
BASE_FEE_KEYS: Final = ("amount", "prorate", "allocate")


@dataclass(frozen=True, slots=True)
class BaseFee:
    """What a period costs before any use; ``prorate``: a plan held for part of a period pays that part.

    ``allocate`` says how answers that look below the customer divide it: by usage, in equal parts, or not.
    """

    amount: Decimal
    prorate: bool = True
    allocate: str = field(default="none", metadata=LATER)


def read_base_fee(node: Node | None, reading: Reading) -> BaseFee | None:
    """Read a base fee: an amount, or ``{amount, prorate, allocate}``."""
    if node is None:
        return None
    if isinstance(node, Text):
        amount = reading.number(node, "the base fee")
        return None if amount is None else BaseFee(shortest(amount))
    table = reading.table(node, "the base fee")
    if table is None:
        return None
    reading.only(table, BASE_FEE_KEYS, "a base fee")
    amount = reading.needed(table, "amount", "the base fee", "amount: 99.00")
    prorate = reading.switch(table, "prorate", default=True)
    allocate = reading.choice(table.entries.get("allocate"), "allocate", ALLOCATIONS, "none")
    return None if amount is None else BaseFee(shortest(amount), prorate, allocate)
