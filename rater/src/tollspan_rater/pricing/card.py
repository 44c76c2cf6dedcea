"""Rate cards: what a unit of each meter costs, by provider and model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tollspan_rater.pricing.document import Node, Table
from tollspan_rater.pricing.item import PriceItem
from tollspan_rater.pricing.model import PER
from tollspan_rater.pricing.pattern import ANY
from tollspan_rater.pricing.price_reading import read_price
from tollspan_rater.pricing.reading import Reading
from tollspan_rater.pricing.tree import KNOWN_METERS

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

CARD_KEYS: Final = ("card", "title", "currency", "per", "fallback", "meters", "prices")
ENTRY_KEYS: Final = ("model", "provider", "per", "fallback")
FALLBACKS: Final = ("parent", "none")


@dataclass(frozen=True, slots=True)
class RateCard:
    """A named list of price items in one currency; ``meters`` are the custom meters it declares."""

    name: str
    currency: str
    items: tuple[PriceItem, ...]
    meters: tuple[str, ...] = ()
    title: str = ""
    path: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)

    def item_for(self, meter: str, provider: str | None, model: str | None) -> PriceItem | None:
        """Return the most specific item for a meter, if the card has any."""
        fitting = [item for item in self.items if item.meter == meter and item.fits(provider, model)]
        return max(fitting, key=lambda item: item.rank, default=None)


def read_card(table: Table, reading: Reading) -> RateCard:
    """Read one rate card document; what cannot be read is noted and left out."""
    reading.only(table, CARD_KEYS, "a rate card")
    entries = table.entries
    name = read_name(table, "card", reading)
    meters = tuple(reading.text(node, "a meter") for node in reading.items(entries.get("meters"), "meters"))
    defaults = {
        "per": reading.choice(entries.get("per"), "per", PER, "1"),
        "fallback": reading.choice(entries.get("fallback"), "fallback", FALLBACKS, "parent"),
    }
    if "prices" not in entries:
        reading.wrong(table, f"card {name} has no prices", "Add a list `prices:`")
    items = [
        item
        for node in reading.items(entries.get("prices"), "prices")
        for item in _read_entry(node, name, meters, defaults, reading)
    ]
    return RateCard(
        name=name,
        currency=reading.currency(table),
        items=tuple(items),
        meters=meters,
        title=reading.text(entries.get("title"), "title"),
        path=table.path,
        line=table.line,
    )


def read_name(table: Table, key: str, reading: Reading) -> str:
    """Read the name of a card or plan: letters, digits, ``_ . -``."""
    name = reading.text(table.entries[key], f"the {key}'s name")
    if name and not NAME.fullmatch(name):
        reading.wrong(table.entries[key], f"the name {name!r} cannot be used", "Use letters, digits and _ . - only")
    return name


def _read_entry(
    node: Node, card: str, custom: tuple[str, ...], defaults: Mapping[str, str], reading: Reading
) -> list[PriceItem]:
    """Read one entry of ``prices``: patterns, and a price for each meter it names."""
    table = reading.table(node, "an entry of prices")
    if table is None:
        return []
    reading.only(table, (*ENTRY_KEYS, *KNOWN_METERS, *custom), "a price entry (meters of your own go to `meters:`)")
    entries = table.entries
    per = reading.choice(entries.get("per"), "per", PER, defaults["per"])
    fallback = reading.choice(entries.get("fallback"), "fallback", FALLBACKS, defaults["fallback"])
    priced = [meter for meter in entries if meter in KNOWN_METERS or meter in custom]
    if not priced:
        reading.wrong(table, "the entry prices nothing", "Add a line like `input: 2.50`")
    items = []
    for meter in priced:
        price, quoted = read_price(entries[meter], meter, per, reading)
        if price is not None:
            items.append(
                PriceItem(
                    card=card,
                    meter=meter,
                    model=reading.text(entries.get("model"), "model", ANY),
                    provider=reading.text(entries.get("provider"), "provider", ANY),
                    price=price,
                    takes_children=fallback == "parent",
                    per=quoted,
                    path=table.path,
                    line=table.lines[meter],
                ),
            )
    return items
