"""Entries of a rate card: patterns for the usage they are for, and a price for each meter they name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tollspan_rater.pricing.document import Node, Table
from tollspan_rater.pricing.item import PriceItem
from tollspan_rater.pricing.match import read_match
from tollspan_rater.pricing.meter import Meter
from tollspan_rater.pricing.model import PER, Conversion, per_single_unit
from tollspan_rater.pricing.pattern import ANY
from tollspan_rater.pricing.price_reading import Price, read_price
from tollspan_rater.pricing.reading import Reading
from tollspan_rater.pricing.tree import KNOWN_METERS

ENTRY_KEYS: Final = ("model", "provider", "match", "priority", "per", "fallback", "convert")
CONVERT_KEYS: Final = ("to", "per")
FALLBACKS: Final = ("parent", "none")
MAX_PRIORITY: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a card says for all of its entries."""

    card: str
    meters: Mapping[str, Meter]
    per: str
    fallback: str


def read_entry(node: Node, defaults: Defaults, reading: Reading) -> list[PriceItem]:
    """Read one entry of ``prices``; each meter that it names becomes an item."""
    table = reading.table(node, "an entry of prices")
    if table is None:
        return []
    known = (*ENTRY_KEYS, *KNOWN_METERS, *(name for name in defaults.meters if name not in KNOWN_METERS))
    reading.only(table, known, "a price entry (meters of your own go to `meters:`)")
    entries = table.entries
    per = reading.choice(entries.get("per"), "per", PER, defaults.per)
    prices = {
        meter: (read_price(value, meter, per, reading), table.lines[meter])
        for meter, value in entries.items()
        if meter in known and meter not in ENTRY_KEYS
    }
    if "convert" in entries:
        prices |= _read_conversion(entries["convert"], prices, per, defaults, reading)
    if not prices and "convert" not in entries:
        reading.wrong(table, "the entry prices nothing", "Add a line like `input: 2.50`")
    return [
        _item(table, meter, price, line, defaults, reading)
        for meter, (price, line) in prices.items()
        if price is not None
    ]


_Found = dict[str, tuple[Price | None, int]]


def _read_conversion(node: Node, priced: _Found, per: str, defaults: Defaults, reading: Reading) -> _Found:
    """Read ``convert: {to, per, METER: FACTOR}``: so many units of ``to`` for each quoted unit of a meter."""
    table = reading.table(node, "convert")
    if table is None:
        return {}
    known = (*CONVERT_KEYS, *KNOWN_METERS, *(name for name in defaults.meters if name not in KNOWN_METERS))
    reading.only(table, known, "a conversion")
    per = reading.choice(table.entries.get("per"), "per", PER, per)
    if "to" not in table.entries:
        reading.wrong(table, "the conversion does not say to which meter", "Add `to: credits`")
        return {}
    to = reading.text(table.entries["to"], "to")
    if to not in defaults.meters or to in KNOWN_METERS:
        remedy = f"Declare it: `meters: {{{to}: {{}}}}`"
        reading.wrong(table.entries["to"], f"{to!r} is no meter that the card declares", remedy)
    found: _Found = {}
    for meter, value in table.entries.items():
        if meter in CONVERT_KEYS or meter not in known:
            continue
        if meter in priced:
            reading.wrong(value, f"the entry both prices and converts {meter}", "Keep one of the two")
            continue
        number = reading.number(value, f"the factor of {meter}")
        price = None if number is None else Price(Conversion(to, per_single_unit(number, per)), per)
        found[meter] = (price, table.lines[meter])
    if not found:
        reading.wrong(table, "the conversion converts nothing", "Add a line like `input: 1`")
    return found


def _item(table: Table, meter: str, price: Price, line: int, defaults: Defaults, reading: Reading) -> PriceItem:
    entries = table.entries
    declared = defaults.meters.get(meter, Meter(meter))
    fallback = reading.choice(entries.get("fallback"), "fallback", FALLBACKS, defaults.fallback)
    said = entries.get("priority")
    priority = None if said is None else reading.whole(said, "priority", least=0, most=MAX_PRIORITY)
    return PriceItem(
        card=defaults.card,
        meter=meter,
        model=reading.text(entries.get("model"), "model", ANY),
        provider=reading.text(entries.get("provider"), "provider", ANY),
        price=price.model,
        takes_children=fallback == "parent",
        match=read_match(entries.get("match"), reading),
        priority=priority or 0,
        unit=price.unit,
        zero_flat=price.zero_flat,
        aggregate=declared.aggregate,
        of=declared.of,
        per=price.per,
        path=table.path,
        line=line,
    )
