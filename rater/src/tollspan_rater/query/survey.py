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


def survey(connection: duckdb.DuckDBPyConnection, selection: Selection) -> Survey:
    """Look at the legs of the selected calls, all revisions of them."""
    condition, values = selection.where()
    rows = connection.execute(
        "SELECT grouping(customer), customer, provider, model, service_tier, min(started_ns), max(started_ns) "  # noqa: S608 - fixed names, bound values
        f"FROM legs WHERE {condition} GROUP BY GROUPING SETS ((customer), (provider, model, service_tier))",
        values,
    ).fetchall()
    if not rows:
        return Survey(None, (), ())
    span = min(row[5] for row in rows), max(row[6] for row in rows)
    customers = sorted((row[1] for row in rows if row[0] == 0), key=lambda name: (name is not None, name))
    models = tuple(row[2:5] for row in rows if row[0])
    return Survey(
        span, tuple(customers), models, _open(connection, selection), any_chained(connection, selection.tenant)
    )


def _open(connection: duckdb.DuckDBPyConnection, selection: Selection) -> frozenset[str]:
    condition, values = selection.where()
    counts = ", ".join(f'count("{name}")' for name in OFTEN_OPEN)
    [row] = connection.execute(f"SELECT {counts} FROM legs WHERE {condition}", values).fetchall()  # noqa: S608 - fixed names, bound values
    return frozenset(name for name, count in zip(OFTEN_OPEN, row, strict=True) if not count)
