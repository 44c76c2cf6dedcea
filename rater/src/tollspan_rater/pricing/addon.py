"""Add-ons: what customers hold beside their plan, in any quantity, for as long as they like."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from tollspan_rater.pricing.allowance import Allowance, read_included
from tollspan_rater.pricing.card import read_name
from tollspan_rater.pricing.document import Table, Text
from tollspan_rater.pricing.model import shortest
from tollspan_rater.pricing.reading import Reading

ADDON_KEYS: Final = ("addon", "title", "currency", "fee", "included", "cards")


@dataclass(frozen=True, slots=True)
class Addon:
    """An add-on: a fee a period for each one held, units that each includes, cards asked after the plan's."""

    name: str
    currency: str
    fee: Decimal | None = None
    prorate: bool = True
    included: tuple[Allowance, ...] = ()
    cards: tuple[str, ...] = ()
    title: str = ""
    path: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Held:
    """So many of an add-on, held at one time."""

    addon: Addon
    quantity: Decimal


def read_addon(table: Table, reading: Reading) -> Addon:
    """Read one add-on document; what cannot be read is noted and left out."""
    reading.only(table, ADDON_KEYS, "an add-on")
    entries = table.entries
    if not {"fee", "included", "cards"} & set(entries):
        reading.wrong(table, "the add-on brings nothing", "Add `fee: 20.00`, `included:` or `cards:`")
    fee, prorate = _read_fee(table, reading)
    included = read_included(entries.get("included"), reading)
    for allowance in included:
        if allowance.rollover is not None:
            problem = f"the add-on's {allowance.meter} cannot roll over"
            remedy = "Only a plan's own allowance rolls over: delete `rollover`"
            reading.findings.error(table.path, allowance.line, problem, remedy)
    return Addon(
        name=read_name(table, "addon", reading),
        currency=reading.currency(table),
        fee=fee,
        prorate=prorate,
        included=included,
        cards=tuple(reading.text(node, "a card's name") for node in reading.items(entries.get("cards"), "cards")),
        title=reading.text(entries.get("title"), "title"),
        path=table.path,
        line=table.line,
    )


def _read_fee(table: Table, reading: Reading) -> tuple[Decimal | None, bool]:
    """Read an amount, or ``{amount, prorate}``."""
    node = table.entries.get("fee")
    if node is None:
        return None, True
    if isinstance(node, Text):
        amount = reading.number(node, "the fee")
        return (None if amount is None else shortest(amount)), True
    fee = reading.table(node, "the fee")
    if fee is None:
        return None, True
    reading.only(fee, ("amount", "prorate"), "a fee")
    amount = reading.needed(fee, "amount", "the fee", "amount: 20.00")
    return (None if amount is None else shortest(amount)), reading.switch(fee, "prorate", default=True)
