"""Rate cards: what a unit of each meter costs, by provider, model and whatever else a price looks at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from tollspan_rater.pricing.canonical import LATER
from tollspan_rater.pricing.document import Node, Table
from tollspan_rater.pricing.item import PriceItem
from tollspan_rater.pricing.meter import Meter, read_meters
from tollspan_rater.pricing.model import PER
from tollspan_rater.pricing.price_entry import ENTRY_KEYS, FALLBACKS, Defaults, read_entry
from tollspan_rater.pricing.reading import Reading

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

CARD_KEYS: Final = ("card", "title", "currency", "per", "fallback", "meters", "prices")
PRICES_KEYS: Final = ("per", "fallback", "meters", "prices")


@dataclass(frozen=True)
class RateCard:
    """A named list of price items in one currency.

    ``meters`` are the meters it declares, ``aggregated`` those of them that are more than summed up.
    """

    name: str
    currency: str
    items: tuple[PriceItem, ...]
    meters: tuple[str, ...] = ()
    title: str = ""
    aggregated: tuple[Meter, ...] = field(default=(), metadata=LATER)
    path: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)

    @property
    def declared(self) -> dict[str, Meter]:
        """Return the declared meters by name."""
        return {name: Meter(name) for name in self.meters} | {meter.name: meter for meter in self.aggregated}

    def item_for(
        self, meter: str, provider: str | None, model: str | None, facts: Mapping[str, str | None] | None = None
    ) -> PriceItem | None:
        """Return the item that decides on a meter for usage of a model with these facts, if the card has any."""
        known = facts or {}
        return next((item for item in self._ranked.get(meter, ()) if item.fits(provider, model, known)), None)

    @cached_property
    def _ranked(self) -> dict[str, list[PriceItem]]:
        """Return the items of each meter, those first that decide where several fit."""
        found: dict[str, list[PriceItem]] = {}
        for item in sorted(self.items, key=lambda item: item.rank, reverse=True):
            found.setdefault(item.meter, []).append(item)
        return found


def read_card(table: Table, reading: Reading) -> RateCard:
    """Read one rate card document; what cannot be read is noted and left out."""
    reading.only(table, CARD_KEYS, "a rate card")
    name = read_name(table, "card", reading)
    if "prices" not in table.entries:
        reading.wrong(table, f"card {name} has no prices", "Add a list `prices:`")
    title = reading.text(table.entries.get("title"), "title")
    return read_prices(table, name, reading.currency(table), reading, title=title)


def read_prices(
    table: Table,
    name: str,
    currency: str,
    reading: Reading,
    *,
    title: str = "",
    known: Mapping[str, Meter] | None = None,
) -> RateCard:
    """Read the ``PRICES_KEYS`` of a document as a rate card: prices, the meters they declare, their defaults.

    ``known`` are meters that it may price without declaring them itself.
    """
    entries = table.entries
    declared = read_meters(entries.get("meters"), reading)
    meters = {**(known or {}), **declared}
    for meter in declared.keys() & set(ENTRY_KEYS):
        reading.wrong(entries["meters"], f"{meter!r} is no name for a meter: entries have such a key", "Rename it")
    defaults = Defaults(
        card=name,
        meters=meters,
        per=reading.choice(entries.get("per"), "per", PER, "1"),
        fallback=reading.choice(entries.get("fallback"), "fallback", FALLBACKS, "parent"),
    )
    nodes: list[Node] = reading.items(entries.get("prices"), "prices")
    items = tuple(item for node in nodes for item in read_entry(node, defaults, reading))
    aggregated = tuple(meter for meter in declared.values() if meter.aggregate != "sum")
    return RateCard(name, currency, items, tuple(declared), title, aggregated, table.path, table.line)


def read_name(table: Table, key: str, reading: Reading) -> str:
    """Read the name of a card or plan: letters, digits, ``_ . -``."""
    name = reading.text(table.entries[key], f"the {key}'s name")
    if name and not NAME.fullmatch(name):
        reading.wrong(table.entries[key], f"the name {name!r} cannot be used", "Use letters, digits and _ . - only")
    return name
