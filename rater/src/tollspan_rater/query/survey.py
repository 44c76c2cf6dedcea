"""What selected calls look like: between which instants, whose, of which models, and which columns say anything.

Passes over few columns; what they find spares the one that adds calls up most of its work.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import duckdb

from tollspan_rater.domain.usage import TOKEN_FIELDS
from tollspan_rater.query.selection import Selection
from tollspan_rater.query.standing import any_chained
from tollspan_rater.store.kinds import Kind
from tollspan_rater.store.weighed import LEGS, Weighed
from tollspan_rater.store.weighed_leg import COUNTS

# Columns that most calls leave open; all others are taken to say something.
OFTEN_OPEN: Final = (*TOKEN_FIELDS, "quantity", "units", "meter", "phase", "billable", "terms", "service_tier")
Model = tuple[str | None, str | None, str | None]  # provider, model, service tier


@dataclass(frozen=True, slots=True)
class Survey:
    """The service times of the first and the last call, None without any; customers and models, each once.

    ``open`` are columns in which no call has a value; ``chained`` tells whether the tenant has any call that was
    made again. ``kinds`` are those of the calls, where kept sums were looked at. What was taken back since may be among
    all this; what stands is.
    """

    span: tuple[int, int] | None
    customers: tuple[str | None, ...]
    models: tuple[Model, ...]
    open: frozenset[str] = frozenset()
    chained: bool = False
    kinds: Mapping[int, Kind] = field(default_factory=dict)

    def without(self, customers: Collection[str | None]) -> Survey:
        """Return the same without some customers."""
        return replace(self, customers=tuple(name for name in self.customers if name not in customers))


def survey(connection: duckdb.DuckDBPyConnection, selection: Selection, sums: Weighed = LEGS) -> Survey:
    """Look at the selected calls, all revisions of them."""
    if sums.through is not None:
        return _of_kinds(connection, selection, sums, sums.through)
    condition, values = selection.where()
    counts = ", ".join(f'count("{name}")' for name in OFTEN_OPEN)
    rows = connection.execute(
        "SELECT grouping(customer), customer, provider, model, service_tier, min(started_ns), max(started_ns), "  # noqa: S608 - fixed names, bound values
        f"{counts} FROM legs WHERE {condition} GROUP BY GROUPING SETS ((customer), (provider, model, service_tier))",
        values,
    ).fetchall()
    if not rows:
        return Survey(None, (), ())
    span = min(row[5] for row in rows), max(row[6] for row in rows)
    models = [row for row in rows if row[0]]
    silent = frozenset(
        name for name, *known in zip(OFTEN_OPEN, *(row[7:] for row in models), strict=True) if not any(known)
    )
    customers = _ordered(row[1] for row in rows if row[0] == 0)
    chained = any_chained(connection, selection.tenant)
    return Survey(span, customers, tuple(row[2:5] for row in models), silent, chained)


def _of_kinds(connection: duckdb.DuckDBPyConnection, selection: Selection, sums: Weighed, through: int) -> Survey:
    """Look at kept sums, and at the legs behind them."""
    read = sums.rows(("alike", "last_ns"), selection.instants())
    condition, values = selection.where(keyed=read.keyed)
    rows = connection.execute(
        f"SELECT grouping(alike), alike, customer, min(started_ns), max(last_ns) FROM {read.sql} WHERE {condition} "  # noqa: S608 - fixed names, bound values
        "GROUP BY GROUPING SETS ((alike), (customer))",
        values,
    ).fetchall()
    if not rows:
        return Survey(None, (), ())
    span = min(row[3] for row in rows), max(row[4] for row in rows)
    kinds = sums.kinds.of(connection, through, [row[1] for row in rows if row[0] == 0])
    said = [kind.said for kind in kinds.values()]
    stated = frozenset[str]().union(*(kind.stated for kind in kinds.values()))
    heard = {name for name in OFTEN_OPEN if name not in COUNTS and any(one[name] is not None for one in said)}
    customers = _ordered(row[2] for row in rows if row[0])
    models = dict.fromkeys((one["provider"], one["model"], one["service_tier"]) for one in said)
    chained = any_chained(connection, selection.tenant)
    return Survey(span, customers, tuple(models), frozenset(OFTEN_OPEN) - stated - heard, chained, kinds)


def _ordered(names: Iterable[str | None]) -> tuple[str | None, ...]:
    """Return customers in their order, nobody first."""
    return tuple(sorted(names, key=lambda name: (name is not None, name)))
