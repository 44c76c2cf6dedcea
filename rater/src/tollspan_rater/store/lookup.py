"""Finding what new spans touch: stored spans and booked legs of traces and of linked response ids."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import pyarrow as pa

from tollspan_rater.store.database import Database
from tollspan_rater.store.legs import COLUMNS, LegRow

_SPAN_COLUMNS: Final = (
    "tenant", "trace_id", "span_id", "parent_id", "position", "ordinal", "start_ns", "end_ns", "fate", "role",
    "final", "digest", "evidence", "trace_key", "link_key",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredSpan:
    """A stored version of a span key, as the table ``spans`` holds it."""

    tenant: str
    trace_id: str
    span_id: str
    parent_id: str
    position: int
    ordinal: int
    start_ns: int
    end_ns: int
    fate: str
    role: str
    final: bool
    digest: str
    evidence: str
    trace_key: int
    link_key: int | None


def link_key(tenant: str, link: str) -> int:
    """Return the 64-bit hash by which calls with one response id are found within a tenant."""
    digest = blake2b(f"{len(tenant)}:{tenant}{link}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def spans_of_traces(database: Database, trace_keys: Collection[int]) -> list[StoredSpan]:
    """Return all stored spans of some traces: one scan of a 64-bit column, whatever the batch's size."""
    return [StoredSpan(*row) for row in _matching(database, "spans", _SPAN_COLUMNS, "trace_key", trace_keys)]


def traces_of_links(database: Database, link_keys: Collection[int]) -> set[int]:
    """Return the trace keys of all stored spans that carry one of some response ids."""
    return {row[0] for row in _matching(database, "spans", ("trace_key",), "link_key", link_keys)}


def known_traces(database: Database, trace_keys: Collection[int]) -> set[int]:
    """Return those of some trace keys of which any span is stored."""
    return {row[0] for row in _matching(database, "spans", ("trace_key",), "trace_key", trace_keys)}


def known_links(database: Database, link_keys: Collection[int]) -> set[int]:
    """Return those of some response ids' keys that any stored span carries."""
    return {row[0] for row in _matching(database, "spans", ("link_key",), "link_key", link_keys)}


def legs_of_traces(database: Database, trace_keys: Collection[int]) -> list[LegRow]:
    """Return all legs whose representing member is in one of some traces."""
    return _matching(database, "legs", COLUMNS, "trace_key", trace_keys)


def _matching(
    database: Database, table: str, columns: tuple[str, ...], key: str, values: Collection[int]
) -> list[tuple[Any, ...]]:
    if not values:
        return []
    connection = database.reader()
    connection.register("looked_up", pa.table({"value": pa.array(values, pa.int64())}))
    names = ", ".join(f'"{column}"' for column in columns)
    rows = connection.execute(
        f"SELECT {names} FROM {table} WHERE {key} IN (SELECT value FROM looked_up)",  # noqa: S608 - names are ours
    ).fetchall()
    connection.unregister("looked_up")
    return rows
