"""Commitments: an amount of usage that a customer agreed to pay for in each period."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tollspan_rater.pricing.document import Node, Table
from tollspan_rater.pricing.model import shortest
from tollspan_rater.pricing.reading import Reading

COMMITMENT_KEYS: Final = ("amount", "overage_factor", "true_up", "prorate")
ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class Commitment:
    """Usage worth ``amount`` is agreed on for a period, after discounts.

    ``true_up``: less use pays the amount all the same. What goes beyond costs ``overage_factor`` times its price.
    """

    amount: Decimal
    overage_factor: Decimal = ONE
    true_up: bool = True
    prorate: bool = True


def read_commitment(node: Node | None, reading: Reading) -> Commitment | None:
    """Read a commitment: an amount, or ``{amount, overage_factor, true_up, prorate}``."""
    if node is None:
        return None
    if not isinstance(node, Table):
        amount = reading.number(node, "the commitment")
        return None if amount is None else Commitment(shortest(amount))
    reading.only(node, COMMITMENT_KEYS, "a commitment")
    amount = reading.needed(node, "amount", "the commitment", "amount: 1000")
    said = node.entries.get("overage_factor")
    factor = None if said is None else reading.number(said, "the overage factor")
    true_up = reading.switch(node, "true_up", default=True)
    prorate = reading.switch(node, "prorate", default=True)
    return (
        None
        if amount is None
        else Commitment(shortest(amount), ONE if factor is None else shortest(factor), true_up, prorate)
    )
