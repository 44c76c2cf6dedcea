"""Calls of spells added up in one pass of the database into groups that are priced alike."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

import duckdb
import orjson

from tollspan_rater.domain.money import EXACT
from tollspan_rater.domain.usage import TOKEN_FIELDS
from tollspan_rater.query.call_fact import fact_sql
from tollspan_rater.query.kept_usage import UsageRow, keeps, kept_usage
from tollspan_rater.query.spell import Spell, found_legs, registered
from tollspan_rater.rating.decision import CallFacts, Decision, decide
from tollspan_rater.rating.line import UsageGroup
from tollspan_rater.rating.quantity import without
from tollspan_rater.rating.sample import Facts
from tollspan_rater.store.filled import filled
from tollspan_rater.store.weighed import LEGS, Weighed

_KEYS: Final = (
    "place", "provider", "model", "environment", "phase", "outcome", "billable", "again", "retried", "quality",
)  # fmt: skip
ZERO: Final = Decimal(0)
GroupKey = tuple[int, str | None, str | None, Decision, Facts]


class _Sums:
    """Calls, known quantities by meter, and counts of calls that do not state a total."""

    def __init__(self) -> None:
        self.calls = 0
        self.quantities: dict[str, Decimal] = {}
        self.unknown: Counter[str] = Counter()

    def add(self, calls: int, quantities: dict[str, Decimal], unknown: dict[str, int]) -> None:
        """Add a row's sums."""
        self.calls += calls
        for meter, count in unknown.items():
            self.unknown[meter] += count
        for meter, quantity in quantities.items():
            self.quantities[meter] = (
                EXACT.add(self.quantities[meter], quantity) if meter in self.quantities else quantity
            )


def summed_usage(
    connection: duckdb.DuckDBPyConnection, tenant: str, spells: Sequence[Spell], sums_of: Weighed = LEGS
) -> Iterator[tuple[Spell, UsageGroup]]:
    """Yield the groups of some spells, without the meters that their tariffs sample and without provider costs."""
    if not spells:
        return
    sums: defaultdict[GroupKey, _Sums] = defaultdict(_Sums)
    names = tuple(sorted({name for spell in spells for name in spell.tariff.dimensions}))
    if keeps(sums_of, names, spells):
        _add(sums, kept_usage(connection, tenant, spells, names, sums_of), names, spells)
    else:
        with registered(connection, tenant, spells) as values:
            _add(sums, usage_rows(connection, values, names), names, spells)
    for (place, provider, model, decision, facts), one in sums.items():
        spell = spells[place]
        known, unknown = without(one.quantities, spell.tariff.sampled), dict(+one.unknown)
        if known or unknown:
            yield spell, UsageGroup(provider, model, decision, spell.number, one.calls, known, unknown, facts)


def _add(
    sums: defaultdict[GroupKey, _Sums], rows: Iterable[UsageRow], names: Sequence[str], spells: Sequence[Spell]
) -> None:
    for key, calls, quantities, unknown in rows:
        if key[0] is not None:
            sums[_group_key(key, names, spells)].add(calls, quantities, unknown)


def _group_key(key: tuple[Any, ...], names: Sequence[str], spells: Sequence[Spell]) -> GroupKey:
    place, provider, model, environment, phase, outcome, billable, again, retried, quality, *values = key
    spell = spells[place]
    phase = phase or spell.phase
    said = {**dict(zip(names, values, strict=True)), "phase": phase}
    facts = CallFacts(environment, phase, outcome, billable, 2 if again else 1, retried, quality)
    decision = decide(facts, spell.policy)
    return place, provider, model, decision, tuple((name, said[name]) for name in spell.tariff.dimensions)


def usage_rows(
    connection: duckdb.DuckDBPyConnection, values: dict[str, Any], names: Sequence[str], more: Sequence[str] = ()
) -> Iterator[UsageRow]:
    """Yield key, calls, known quantities and counts of calls that do not state a total.

    A key has what decides on a call, its facts by ``names``, and ``more``: SQL of the service time.
    """
    keys = ", ".join((*_KEYS, *map(fact_sql, names), *more))
    width = len(_KEYS) + len(names) + len(more)
    found = found_legs(names)
    sums = ", ".join(_stated(filled(name)) for name in TOKEN_FIELDS)
    tokens = connection.execute(
        f"{found} SELECT {keys}, sum(weight), "  # noqa: S608 - fixed names, bound values
        f"coalesce(sum(weight) FILTER (WHERE {filled('input')} IS NULL), 0), coalesce(sum(weight) "
        f"FILTER (WHERE {filled('output')} IS NULL AND operation IS DISTINCT FROM 'embeddings'), 0), "
        f"{sums} FROM found WHERE kind = 'call' GROUP BY {keys} HAVING sum(weight) > 0",
        values,
    ).fetchall()
    for row in tokens:
        calls, no_input, no_output = (int(count) for count in row[width : width + 3])
        counts = row[width + 3 :]
        known = {name: Decimal(count) for name, count in zip(TOKEN_FIELDS, counts, strict=True) if count is not None}
        unknown = {"input": no_input, "output": no_output}
        yield row[:width], calls, {"request": Decimal(calls), **known}, unknown
    yield from _units(connection, values, keys, width, found)


def _stated(count: str) -> str:
    """Return the SQL of the sum of a count, NULL where no call that stands states it."""
    return f"CASE WHEN sum(weight) FILTER (WHERE {count} IS NOT NULL) > 0 THEN sum({count}) END"


def _units(
    connection: duckdb.DuckDBPyConnection, values: dict[str, Any], keys: str, width: int, found: str
) -> Iterator[UsageRow]:
    """Yield what calls used besides tokens, and unit measures, which are no calls."""
    rows = connection.execute(
        f"{found} SELECT {keys}, sum(weight), units, NULL, NULL FROM found "  # noqa: S608 - fixed names, bound values
        f"WHERE kind = 'call' AND units IS NOT NULL GROUP BY {keys}, units HAVING sum(weight) > 0 "
        f"UNION ALL SELECT {keys}, sum(weight), NULL, meter, "
        "sum(quantity) FROM found WHERE kind = 'unit' "
        f"GROUP BY {keys}, meter HAVING sum(weight) > 0",
        values,
    ).fetchall()
    for row in rows:
        count, units, meter, quantity = int(row[width]), *row[width + 1 :]
        if units is None:
            yield row[:width], count, {meter: quantity}, {}
        else:
            each = {name: EXACT.multiply(Decimal(text), Decimal(count)) for name, text in orjson.loads(units).items()}
            yield row[:width], 0, each, {}
