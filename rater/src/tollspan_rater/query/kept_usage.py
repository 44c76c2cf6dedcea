"""Customers' usage of periods out of kept sums, and the legs behind them: the same rows as legs come to."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

import duckdb
import orjson

from tollspan_rater.domain.money import EXACT
from tollspan_rater.domain.usage import TOKEN_FIELDS, Usage
from tollspan_rater.query.kept_query import found_kinds, kind_keys, placing
from tollspan_rater.query.selection import Selection
from tollspan_rater.query.spell import Spell
from tollspan_rater.query.standing import any_chained
from tollspan_rater.rating.quantity import of_usage
from tollspan_rater.store.kinds import Kind
from tollspan_rater.store.weighed import ROUGH_DAYS, Weighed, rough_days
from tollspan_rater.store.weighed_leg import AGREED, COUNTS

UsageRow = tuple[tuple[Any, ...], int, dict[str, Decimal], dict[str, int]]
_SUMMED: Final = """
    SELECT customer, number, {told}, again, sum(weight), min(started_ns), {sums}
    FROM (SELECT {placed} FROM ({found}) AS found)
    GROUP BY {keys} HAVING sum(weight) > 0
"""


def keeps(sums: Weighed, names: Sequence[str], spells: Sequence[Spell]) -> bool:
    """Tell whether kept sums say what is asked: some facts, apart for each spell."""
    cuts = _instants(spells)
    return sums.through is not None and set(names) <= set(AGREED) and len(rough_days(cuts)) <= ROUGH_DAYS


def kept_usage(
    connection: duckdb.DuckDBPyConnection, tenant: str, spells: Sequence[Spell], names: Sequence[str], sums: Weighed
) -> Iterator[UsageRow]:
    """Yield what :func:`tollspan_rater.query.summed_usage.usage_rows` yields, of kept sums; nothing without a place."""
    cuts, customers = _instants(spells), {spell.customer for spell in spells}
    whose: dict[str, Any] = {}
    if len(customers) == 1:
        (name,) = customers
        whose = {"unattributed": True} if name is None else {"filters": (("customer", name),)}
    calls = Selection(tenant, cuts[0], cuts[-1], **whose)
    chained = any_chained(connection, tenant)
    source, values = found_kinds(sums, calls, cuts, COUNTS, chained=chained)
    keys = {"customer": "customer", **kind_keys({}, cuts[1:-1], chained=chained)}
    text = _SUMMED.format(
        told="retried" if chained else "FALSE",
        sums=", ".join(f'sum("{count}")' for count in COUNTS),
        placed=placing(keys, COUNTS),
        found=source,
        keys=", ".join(keys),
    )
    rows = connection.execute(text, values).fetchall()
    kinds = sums.kinds.of(connection, sums.through or 0, {row[1] for row in rows})
    place_of = _Places(spells)
    for customer, number, retried, again, calls_of, started_ns, *counts in rows:
        place = place_of(customer, started_ns)
        if place is not None:
            yield from _usage(kinds[number], place, names, (again, retried), int(calls_of), counts)


def _usage(
    kind: Kind, place: int, names: Sequence[str], attempt: tuple[bool, bool], calls: int, counts: Sequence[Any]
) -> Iterator[UsageRow]:
    said = kind.said
    facts = ("provider", "model", "environment", "phase", "outcome", "billable")
    key = (place, *(said[name] for name in facts), *attempt, said["quality"], *(said[name] for name in names))
    known = dict(zip(COUNTS, counts, strict=True))
    if said["kind"] == "unit":
        yield key, calls, {said["meter"]: known["quantity"]}, {}
        return
    tokens = {name: int(known[name]) for name in TOKEN_FIELDS if name in kind.stated}
    found = {**of_usage(Usage(**tokens, units={})), "request": Decimal(calls)}
    no_output = "output" not in found and said["operation"] != "embeddings"
    yield key, calls, found, {"input": 0 if "input" in found else calls, "output": calls if no_output else 0}
    if said["units"] is not None:
        units = orjson.loads(said["units"])
        yield key, 0, {name: EXACT.multiply(Decimal(each), Decimal(calls)) for name, each in units.items()}, {}


def _instants(spells: Sequence[Spell]) -> list[int]:
    """Return the instants at which spells begin and end, in their order."""
    return sorted({at for spell in spells for at in (spell.segment.start_ns, spell.segment.end_ns)})


class _Places:
    """Tells in which of some spells a customer's instant lies."""

    def __init__(self, spells: Sequence[Spell]) -> None:
        self._of: dict[str | None, list[tuple[int, int, int]]] = {}
        for place, spell in enumerate(spells):
            self._of.setdefault(spell.customer, []).append((spell.segment.start_ns, spell.segment.end_ns, place))
        for held in self._of.values():
            held.sort()

    def __call__(self, customer: str | None, instant_ns: int) -> int | None:
        """Return the place of the spell, None outside of all."""
        held = self._of.get(customer, [])
        at = bisect_right(held, instant_ns, key=lambda one: one[0]) - 1
        return held[at][2] if at >= 0 and instant_ns < held[at][1] else None
