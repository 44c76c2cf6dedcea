"""Bounds of a bill: the least and the most that all lines of a plan together cost in a period."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from tollspan_rater.pricing.document import Node, Table
from tollspan_rater.pricing.model import shortest
from tollspan_rater.pricing.reading import Reading


@dataclass(frozen=True, slots=True)
class Bound:
    """An amount that the lines of a period reach at least, or at most; ``prorate``: by the time the plan was held."""

    amount: Decimal
    prorate: bool
    line: int = field(default=0, compare=False)


def read_minimum(node: Node | None, reading: Reading) -> Bound | None:
    """Read the least that a period costs; it is prorated unless it says otherwise."""
    return _read(node, "the minimum", reading, prorate=True)


def read_maximum(node: Node | None, reading: Reading) -> Bound | None:
    """Read the most that a period costs; it holds in full unless it says otherwise."""
    return _read(node, "the maximum", reading, prorate=False)


def _read(node: Node | None, what: str, reading: Reading, *, prorate: bool) -> Bound | None:
    if node is None:
        return None
    if not isinstance(node, Table):
        amount = reading.number(node, what)
        return None if amount is None else Bound(shortest(amount), prorate, node.line)
    reading.only(node, ("amount", "prorate"), what)
    amount = reading.needed(node, "amount", what, "amount: 100.00")
    prorated = reading.switch(node, "prorate", default=prorate)
    return None if amount is None else Bound(shortest(amount), prorated, node.line)
