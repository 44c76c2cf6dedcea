"""Rate cards: what a unit of each meter costs, by provider and model."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.meters import PARENT, TOKEN_METERS, UNIT_METERS
from tollspan_rater.pricing.document import Many, Node, Table, Text
from tollspan_rater.pricing.model import (
    PER,
    Flat,
    Graduated,
    Package,
    PerUnit,
    PriceModel,
    Tier,
    Volume,
    per_single_unit,
    shortest,
)
from tollspan_rater.pricing.pattern import ANY, matches, specificity
from tollspan_rater.pricing.reading import Reading

TOKENS: Final = "tokens"  # input and output together
KNOWN_METERS: Final[tuple[str, ...]] = (TOKENS, *TOKEN_METERS, *UNIT_METERS)
TREE: Final[dict[str, str]] = {**PARENT, "input": TOKENS, "output": TOKENS}
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

CARD_KEYS: Final = ("card", "title", "currency", "per", "fallback", "meters", "prices")
ENTRY_KEYS: Final = ("model", "provider", "per", "fallback")
MODEL_KEYS: Final = ("price", "graduated", "volume", "package", "flat")
FALLBACKS: Final = ("parent", "none")


@dataclass(frozen=True, slots=True)
class PriceItem:
    """The price of one meter for the models and providers that fit its patterns.

    ``takes_children``: meters below this one that have no price of their own are charged here, too.
    ``key`` names the item within its card. ``per`` is how the price is quoted, for showing only.
    """

    card: str
    meter: str
    model: str
    provider: str
    price: PriceModel
    takes_children: bool = True
    per: str = field(default="1", compare=False)
    path: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)

    @property
    def key(self) -> str:
        """Return the item's name: meter, provider pattern, model pattern."""
        return f"{self.meter}:{self.provider}/{self.model}"

    @property
    def rank(self) -> tuple[tuple[bool, int], tuple[bool, int]]:
        """Return how specific the item is: the model's pattern decides, then the provider's."""
        return (specificity(self.model), specificity(self.provider))

    def fits(self, provider: str | None, model: str | None) -> bool:
        """Tell whether the item prices this model of this provider."""
        return matches(self.model, model) and matches(self.provider, provider)


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
        price, quoted = _read_price(entries[meter], meter, per, reading)
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


def _read_price(node: Node, meter: str, per: str, reading: Reading) -> tuple[PriceModel | None, str]:
    """Read what stands behind a meter: a number, or a mapping with exactly one price model."""
    if isinstance(node, Text):
        number = reading.number(node, f"the price of {meter}")
        return (None if number is None else PerUnit(per_single_unit(number, per))), per
    table = reading.table(node, f"the price of {meter}")
    if table is None:
        return None, per
    reading.only(table, (*MODEL_KEYS, "per"), f"the price of {meter}")
    per = reading.choice(table.entries.get("per"), "per", PER, per)
    models = [key for key in MODEL_KEYS if key in table.entries]
    if len(models) != 1:
        found = ", ".join(models) or "none"
        reading.wrong(table, f"{meter} needs one price model, it has {found}", f"Keep one of {', '.join(MODEL_KEYS)}")
        return None, per
    return READERS[models[0]](table.entries[models[0]], meter, per, reading), per


def _read_unit(node: Node, meter: str, per: str, reading: Reading) -> PriceModel | None:
    number = reading.number(node, f"the price of {meter}")
    return None if number is None else PerUnit(per_single_unit(number, per))


def _read_flat(node: Node, meter: str, _per: str, reading: Reading) -> PriceModel | None:
    number = reading.number(node, f"the flat price of {meter}")
    return None if number is None else Flat(shortest(number))


def _read_package(node: Node, meter: str, _per: str, reading: Reading) -> PriceModel | None:
    table = reading.table(node, f"the package of {meter}")
    if table is None:
        return None
    reading.only(table, ("size", "price", "free"), "a package")
    numbers: dict[str, Decimal | None] = {"free": Decimal(0)}
    for key in ("size", "price", "free"):
        if key in table.entries:
            numbers[key] = reading.number(table.entries[key], f"the package's {key}")
        elif key != "free":
            reading.wrong(table, f"the package of {meter} has no {key}", f"Add `{key}: ...`")
    size, price, free = numbers.get("size"), numbers.get("price"), numbers["free"]
    if size is not None and size == 0:
        reading.wrong(table.entries["size"], "a package of size 0 holds nothing", "Write the number of units in it")
        return None
    if size is None or price is None or free is None:
        return None
    return Package(shortest(price), shortest(size), shortest(free))


def _read_tiers(node: Node, meter: str, per: str, reading: Reading) -> tuple[Tier, ...]:
    """Read a list of tiers; order, bounds and the open end are checked as well."""
    if not isinstance(node, Many) or not node.items:
        reading.wrong(node, f"the tiers of {meter} are no list", "Write `- {up_to: 1_000_000, price: 0.01}` lines")
        return ()
    tiers: list[Tier] = []
    for item in node.items:
        tier = _read_tier(item, meter, per, reading)
        if tier is None:
            return ()
        if tiers and tiers[-1].up_to is None:
            reading.wrong(item, f"a tier of {meter} follows the open one", "Give every tier but the last an up_to")
        elif tiers and tier.up_to is not None and tier.up_to <= (tiers[-1].up_to or 0):
            problem = f"tiers of {meter} overlap: up to {tier.up_to} after up to {tiers[-1].up_to}"
            reading.wrong(item, problem, "Sort the tiers by rising up_to")
        tiers.append(tier)
    if tiers[-1].up_to is not None:
        problem = f"the tiers of {meter} have a gap above {tiers[-1].up_to}: no tier is open"
        reading.wrong(node.items[-1], problem, "Add a last tier without up_to")
    return tuple(tiers)


def _read_tier(node: Node, meter: str, per: str, reading: Reading) -> Tier | None:
    table = reading.table(node, f"a tier of {meter}")
    if table is None:
        return None
    reading.only(table, ("up_to", "price", "flat"), "a tier")
    if "price" not in table.entries:
        reading.wrong(table, f"a tier of {meter} has no price", "Add `price: ...`; 0 is a price, too")
        return None
    numbers = {key: reading.number(value, f"{key} of a tier") for key, value in table.entries.items()}
    if None in numbers.values():
        return None
    up_to, price = numbers.get("up_to"), numbers["price"] or Decimal(0)
    if up_to is not None and up_to == 0:
        reading.wrong(table, f"a tier of {meter} ends at 0 and holds nothing", "Delete it, or raise up_to")
    return Tier(
        None if up_to is None else shortest(up_to),
        per_single_unit(price, per),
        shortest(numbers.get("flat") or Decimal(0)),
    )


def _read_graduated(node: Node, meter: str, per: str, reading: Reading) -> PriceModel | None:
    tiers = _read_tiers(node, meter, per, reading)
    return Graduated(tiers) if tiers else None


def _read_volume(node: Node, meter: str, per: str, reading: Reading) -> PriceModel | None:
    tiers = _read_tiers(node, meter, per, reading)
    return Volume(tiers) if tiers else None


READERS: Final[dict[str, Callable[[Node, str, str, Reading], PriceModel | None]]] = {
    "price": _read_unit,
    "graduated": _read_graduated,
    "volume": _read_volume,
    "package": _read_package,
    "flat": _read_flat,
}
