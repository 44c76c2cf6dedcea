"""Reads what stands behind a meter in a rate card: a number, or a mapping with exactly one price model."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from tollspan_rater.pricing.document import Many, Node, Text
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
from tollspan_rater.pricing.reading import Reading

MODEL_KEYS: Final = ("price", "graduated", "volume", "package", "flat")


def read_price(node: Node, meter: str, per: str, reading: Reading) -> tuple[PriceModel | None, str]:
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
