"""Reads what stands behind a meter in a rate card: a number, or a mapping with one price model and its options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT
from tollspan_rater.pricing.document import Node, Table, Text
from tollspan_rater.pricing.model import (
    PER,
    Conversion,
    CostPlus,
    Flat,
    Graduated,
    Package,
    Percentage,
    PerUnit,
    PriceModel,
    Stairstep,
    Volume,
    per_single_unit,
    shortest,
)
from tollspan_rater.pricing.reading import Reading
from tollspan_rater.pricing.tier_reading import read_stairs, read_tiers
from tollspan_rater.pricing.unit_rule import UnitRule, read_unit_rule

OPTION_KEYS: Final = ("per", "unit", "zero_flat")
PACKAGE_KEYS: Final = ("size", "price", "free", "round")
PERCENTAGE_KEYS: Final = ("rate", "fixed", "free_events", "free_amount", "min", "max")
COST_PLUS_KEYS: Final = ("markup", "margin", "per")
PACKAGE_ROUNDS: Final = ("up", "down")
MAX_FREE_EVENTS: Final = 1_000_000_000
ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class Price:
    """A price as it stands behind a meter: its model, how it is quoted, and its options."""

    model: PriceModel | Conversion
    per: str
    unit: UnitRule | None = None
    zero_flat: bool = False


def read_price(node: Node, meter: str, per: str, reading: Reading) -> Price | None:
    """Read what stands behind a meter; ``None`` when nothing can be made of it."""
    if isinstance(node, Text):
        number = reading.number(node, f"the price of {meter}")
        return None if number is None else Price(PerUnit(per_single_unit(number, per)), per)
    table = reading.table(node, f"the price of {meter}")
    if table is None:
        return None
    reading.only(table, (*MODEL_KEYS, *OPTION_KEYS), f"the price of {meter}")
    per = reading.choice(table.entries.get("per"), "per", PER, per)
    models = [key for key in MODEL_KEYS if key in table.entries]
    if len(models) != 1:
        found = ", ".join(models) or "none"
        reading.wrong(table, f"{meter} needs one price model, it has {found}", f"Keep one of {', '.join(MODEL_KEYS)}")
        return None
    model = READERS[models[0]](table.entries[models[0]], meter, per, reading)
    if model is None:
        return None
    unit = read_unit_rule(table.entries.get("unit"), meter, reading)
    return Price(model, per, unit, _read_zero_flat(table, model, meter, reading))


def _read_zero_flat(table: Table, model: PriceModel, meter: str, reading: Reading) -> bool:
    node = table.entries.get("zero_flat")
    if node is None or not reading.yes_no(node, "zero_flat"):
        return False
    if not isinstance(model, Graduated | Volume | Stairstep | Flat):
        problem = f"the price of {meter} asks for nothing at 0, so that zero_flat has no meaning"
        reading.wrong(node, problem, "Delete it; graduated, volume, stairstep and flat prices have a fee at 0")
        return False
    return True


def _read_unit(node: Node, meter: str, per: str, reading: Reading) -> PriceModel | None:
    number = reading.number(node, f"the price of {meter}")
    return None if number is None else PerUnit(per_single_unit(number, per))


def _read_flat(node: Node, meter: str, _per: str, reading: Reading) -> PriceModel | None:
    number = reading.number(node, f"the flat price of {meter}")
    return None if number is None else Flat(shortest(number))


def _read_graduated(node: Node, meter: str, per: str, reading: Reading) -> PriceModel | None:
    tiers = read_tiers(node, meter, per, reading)
    return Graduated(tiers) if tiers else None


def _read_volume(node: Node, meter: str, per: str, reading: Reading) -> PriceModel | None:
    tiers = read_tiers(node, meter, per, reading)
    return Volume(tiers) if tiers else None


def _read_stairstep(node: Node, meter: str, _per: str, reading: Reading) -> PriceModel | None:
    stairs = read_stairs(node, meter, reading)
    return Stairstep(stairs) if stairs else None


def _read_package(node: Node, meter: str, _per: str, reading: Reading) -> PriceModel | None:
    table = reading.table(node, f"the package of {meter}")
    if table is None:
        return None
    reading.only(table, PACKAGE_KEYS, "a package")
    numbers = _numbers(table, ("size", "price", "free"), "the package's", reading)
    for key in ("size", "price"):
        if key not in table.entries:
            reading.wrong(table, f"the package of {meter} has no {key}", f"Add `{key}: ...`")
            return None
    if numbers is None:
        return None
    if not numbers["size"]:
        reading.wrong(table.entries["size"], "a package of size 0 holds nothing", "Write the number of units in it")
        return None
    rounding = reading.choice(table.entries.get("round"), "round", PACKAGE_ROUNDS, "up")
    return Package(numbers["price"], numbers["size"], numbers.get("free", Decimal(0)), rounding)


def _read_percentage(node: Node, meter: str, _per: str, reading: Reading) -> PriceModel | None:
    table = reading.table(node, f"the percentage of {meter}")
    if table is None:
        return None
    reading.only(table, PERCENTAGE_KEYS, "a percentage")
    if "rate" not in table.entries:
        reading.wrong(table, f"the percentage of {meter} has no rate", "Add `rate: 2.9`, in percent; 0 is a rate, too")
        return None
    numbers = _numbers(table, ("rate", "fixed", "free_amount", "min", "max"), "the percentage's", reading)
    events = table.entries.get("free_events")
    free_events = 0 if events is None else reading.whole(events, "free_events", least=0, most=MAX_FREE_EVENTS)
    if numbers is None or free_events is None:
        return None
    least, most = numbers.get("min"), numbers.get("max")
    if least is not None and most is not None and least > most:
        reading.wrong(table.entries["max"], f"the percentage of {meter} has min above max", "Exchange the two")
    zero = Decimal(0)
    rate = shortest(EXACT.scaleb(numbers["rate"], -2))
    return Percentage(rate, numbers.get("fixed", zero), free_events, numbers.get("free_amount", zero), least, most)


def _read_cost_plus(node: Node, meter: str, per: str, reading: Reading) -> PriceModel | None:
    table = reading.table(node, f"the cost_plus of {meter}")
    if table is None:
        return None
    reading.only(table, COST_PLUS_KEYS, "cost_plus")
    per = reading.choice(table.entries.get("per"), "per", PER, per)
    numbers = _numbers(table, ("markup", "margin"), "cost_plus's", reading)
    if numbers is None:
        return None
    markup = shortest(EXACT.add(ONE, EXACT.scaleb(numbers.get("markup", Decimal(0)), -2)))
    return CostPlus(markup, per_single_unit(numbers.get("margin", Decimal(0)), per))


def _numbers(table: Table, keys: tuple[str, ...], whose: str, reading: Reading) -> dict[str, Decimal] | None:
    """Read those of the keys that are there; ``None`` as soon as one is no number."""
    found = {key: reading.number(table.entries[key], f"{whose} {key}") for key in keys if key in table.entries}
    numbers = {key: shortest(number) for key, number in found.items() if number is not None}
    return numbers if len(numbers) == len(found) else None


READERS: Final[dict[str, Callable[[Node, str, str, Reading], PriceModel | None]]] = {
    "price": _read_unit,
    "graduated": _read_graduated,
    "volume": _read_volume,
    "stairstep": _read_stairstep,
    "package": _read_package,
    "flat": _read_flat,
    "percentage": _read_percentage,
    "cost_plus": _read_cost_plus,
}
MODEL_KEYS: Final = tuple(READERS)
