"""Meters that a card declares: how the events of a period become the quantity that is priced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tollspan_rater.domain.meters import UNIT_METERS
from tollspan_rater.pricing.document import Node, Table
from tollspan_rater.pricing.match import FACTS, is_fact
from tollspan_rater.pricing.reading import Reading
from tollspan_rater.pricing.tree import KNOWN_METERS

AGGREGATES: Final = ("sum", "count", "unique", "max", "latest")
METER_KEYS: Final = ("aggregate", "of")


@dataclass(frozen=True, slots=True)
class Meter:
    """A declared meter. ``of`` is the fact whose different values ``unique`` counts, else ``None``."""

    name: str
    aggregate: str = "sum"
    of: str | None = None


def read_meters(node: Node | None, reading: Reading) -> dict[str, Meter]:
    """Read ``meters:``, a list of names or a mapping ``{name: {aggregate, of}}``, by name."""
    if isinstance(node, Table):
        found = [_read_meter(name, entry, node, reading) for name, entry in node.entries.items()]
    else:
        found = [Meter(reading.text(entry, "a meter")) for entry in reading.items(node, "meters")]
    return {meter.name: meter for meter in found}


def _read_meter(name: str, node: Node, within: Table, reading: Reading) -> Meter:
    table = reading.table(node, f"the meter {name}")
    if table is None:
        return Meter(name)
    reading.only(table, METER_KEYS, "a meter")
    aggregate = reading.choice(table.entries.get("aggregate"), "aggregate", AGGREGATES, "sum")
    of = reading.text(table.entries["of"], "of") if "of" in table.entries else None
    line = within.lines[name]
    if aggregate != "sum" and name in KNOWN_METERS and name not in UNIT_METERS:
        problem = f"{name} is part of the tree of tokens, which can only be summed"
        reading.findings.error(table.path, line, problem, "Declare a meter of your own for it")
        return Meter(name)
    if aggregate == "unique" and of is None:
        remedy = "Add `of: user`, or another dimension"
        reading.findings.error(table.path, line, f"{name} counts unique values, but not of what", remedy)
    if aggregate != "unique" and of is not None:
        remedy = "Delete `of`, or write `aggregate: unique`"
        reading.findings.error(table.path, line, f"{name} has an `of` that aggregate {aggregate} does not use", remedy)
    if of is not None and not is_fact(of):
        reading.wrong(table.entries["of"], f"there is no dimension {of!r}", f"Write one of: {', '.join(FACTS)}")
    return Meter(name, aggregate, of)
