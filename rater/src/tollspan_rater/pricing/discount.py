"""Discounts: a share of what usage costs, units for nothing, or an amount off the bill."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from tollspan_rater.pricing.document import Node, Table
from tollspan_rater.pricing.model import shortest
from tollspan_rater.pricing.reading import Reading
from tollspan_rater.pricing.tree import below

KINDS: Final = ("percent", "units", "amount")
DISCOUNT_KEYS: Final = (*KINDS, "on", "periods", "name", "prorate")
BASE_FEE: Final = "base_fee"
CARD: Final = "card:"


@dataclass(frozen=True, slots=True)
class Discount:
    """One discount of a plan.

    ``kind`` says what ``value`` is: a ``percent`` of the price, free ``units``, or an ``amount`` of money. ``on``
    names meters (with what is below them), ``card:NAME`` or ``base_fee``; nothing named is all usage, for an
    amount all lines. ``periods``: it holds for the first so many periods of the plan. ``prorate`` is for
    amounts: a plan held for part of a period takes that part off.
    """

    kind: str
    value: Decimal
    on: tuple[str, ...] = ()
    periods: int | None = None
    name: str = ""
    prorate: bool = True
    line: int = field(default=0, compare=False)

    def covers(self, card: str, meter: str) -> bool:
        """Tell whether the discount is on the usage that an item of a card prices."""
        return not self.on or any(word == CARD + card or below(meter, word) for word in self.on)

    @property
    def on_base_fee(self) -> bool:
        """Tell whether the discount is on the base fee by name."""
        return BASE_FEE in self.on


def read_discounts(node: Node | None, reading: Reading) -> tuple[Discount, ...]:
    """Read a plan's discounts, in the order in which they are taken off."""
    found = [_read_discount(entry, reading) for entry in reading.items(node, "discounts")]
    return tuple(discount for discount in found if discount is not None)


def _read_discount(node: Node, reading: Reading) -> Discount | None:
    table = reading.table(node, "a discount")
    if table is None:
        return None
    reading.only(table, DISCOUNT_KEYS, "a discount")
    kinds = [kind for kind in KINDS if kind in table.entries]
    if len(kinds) != 1:
        problem = f"a discount has one of percent, units, amount; it has {', '.join(kinds) or 'none'}"
        reading.wrong(table, problem, "Keep one of them, and write the others as discounts of their own")
        return None
    (kind,) = kinds
    value = reading.number(table.entries[kind], f"the {kind} of the discount")
    if value is None:
        return None
    if kind == "percent" and value > Decimal(100):
        reading.wrong(table.entries[kind], f"a discount of {value:f} percent is more than all", "Write 100 or less")
    return Discount(
        kind,
        shortest(value),
        _read_on(table, kind, reading),
        reading.whole(table.entries["periods"], "periods") if "periods" in table.entries else None,
        reading.text(table.entries.get("name"), "the discount's name"),
        reading.switch(table, "prorate", default=True),
        table.line,
    )


def _read_on(table: Table, kind: str, reading: Reading) -> tuple[str, ...]:
    on = tuple(reading.text(entry, "an entry of on") for entry in reading.items(table.entries.get("on"), "on"))
    if kind == "units" and BASE_FEE in on:
        reading.wrong(table.entries["on"], "a base fee has no units", "Take `percent` or `amount` off the base fee")
    return on
