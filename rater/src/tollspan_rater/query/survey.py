"""What selected calls look like: between which instants, whose, of which models, and which columns say anything.

Passes over few columns; what they find spares the one that adds calls up most of its work.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

import duckdb

from tollspan_rater.domain.usage import TOKEN_FIELDS
from tollspan_rater.query.selection import Selection
from tollspan_rater.query.standing import any_chained
from tollspan_rater.store.weighed import LEGS, Weighed

# Columns that most calls leave open; all others are taken to say something.
OFTEN_OPEN: Final = (*TOKEN_FIELDS, "quantity", "units", "meter", "phase", "billable", "terms", "service_tier")
Model = tuple[str | None, str | None, str | None]  # provider, model, service tier


@dataclass(frozen=True, slots=True)
class Survey:
    """The service times of the first and the last call, None without any; customers and models, each once.

    ``open`` are columns in which no call has a value; ``chained`` tells whether the tenant has any call that was
    made again. What was taken back since may be among all this; what stands is.
    """

    span: tuple[int, int] | None
    customers: tuple[str | None, ...]
    models: tuple[Model, ...]
    open: frozenset[str] = frozenset()
    chained: bool = False

    def without(self, customers: Collection[str | None]) -> Survey:
        """Return the same without some customers."""
        return replace(self, customers=tuple(name for name in self.customers if name not in customers))


def survey(connection: duckdb.DuckDBPyConnection, selection: Selection, sums: Weighed = LEGS) -> Survey:
    """Look at the selected calls, all revisions of them."""
    read = sums.rows(("provider", "model", "last_ns", *OFTEN_OPEN), selection.instants())
    condition, values = selection.where(keyed=read.keyed)
    counts = ", ".join(f'count("{name}")' for name in OFTEN_OPEN)
    rows = connection.execute(
        f"SELECT grouping(customer), customer, provider, model, service_tier, min(started_ns), max(last_ns), {counts} "  # noqa: S608 - fixed names, bound values
        f"FROM {read.sql} WHERE {condition} "
        "GROUP BY GROUPING SETS ((customer), (provider, model, service_tier))",
        values,
    ).fetchall()
    if not rows:
        return Survey(None, (), ())
    span = min(row[5] for row in rows), max(row[6] for row in rows)
    customers = sorted((row[1] for row in rows if row[0] == 0), key=lambda name: (name is not None, name))
    models = [row for row in rows if row[0]]
    silent = frozenset(
        name for name, *known in zip(OFTEN_OPEN, *(row[7:] for row in models), strict=True) if not any(known)
    )
    chained = any_chained(connection, selection.tenant)
    return Survey(span, tuple(customers), tuple(row[2:5] for row in models), silent, chained)
