"""Corrections as rows of the store."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import duckdb
import orjson

from tollspan_rater.domain.correction import Correction
from tollspan_rater.store.database import Database
from tollspan_rater.store.legs import trace_key
from tollspan_rater.store.lookup import rows_of_traces
from tollspan_rater.store.tables import SCHEMAS

COLUMNS: Final[tuple[str, ...]] = tuple(name for name in SCHEMAS["corrections"].names if name != "trace_key")

Row = tuple[Any, ...]


def rows_of(one: Correction) -> list[Row]:
    """Return the rows of a correction, one for each trace of its call."""
    changes = orjson.dumps(one.changes, option=orjson.OPT_SORT_KEYS).decode()
    traces = sorted({trace_key(member[:32]) for member in one.members})
    return [
        (one.tenant, one.correction, one.call_id, one.position, key, one.at_ns, one.actor, one.kind, one.note,
         one.as_of, one.meter, list(one.members), changes, one.undoes, one.wish, one.calls)
        for key in traces
    ]  # fmt: skip


def corrections_of_traces(database: Database, trace_keys: Collection[int]) -> list[Correction]:
    """Return the corrections of calls that were in some traces; one of several traces may come several times."""
    return [_correction(row) for row in rows_of_traces(database, "corrections", COLUMNS, trace_keys)]


def corrections_known(
    connection: duckdb.DuckDBPyConnection, tenant: str, condition: str = "true", *values: object
) -> list[Correction]:
    """Return the corrections of a tenant that a condition on their columns selects, each once, in their order."""
    names = ", ".join(COLUMNS)
    rows = connection.execute(
        f"SELECT DISTINCT {names} FROM corrections WHERE tenant = ? AND {condition} "  # noqa: S608 - our names and text
        "ORDER BY position, correction, call_id",
        [tenant, *values],
    ).fetchall()
    return [_correction(row) for row in rows]


def _correction(row: Row) -> Correction:
    said = dict(zip(COLUMNS, row, strict=True))
    return Correction(**said | {"members": tuple(said["members"]), "changes": orjson.loads(said["changes"])})
