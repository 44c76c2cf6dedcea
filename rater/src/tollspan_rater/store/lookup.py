"""Finding what new spans touch: stored spans and booked legs of traces and of linked response ids."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from tollspan_rater.store.database import Database
from tollspan_rater.store.fates import CURRENT
from tollspan_rater.store.legs import COLUMNS, LegRow

KeptAs = Literal["bytes", "span", "evidence"]
SPAN_COLUMNS: Final = (
    "tenant", "trace_id", "span_id", "parent_id", "position", "ordinal", "start_ns", "end_ns", "fate", "role",
    "final", "digest", "evidence", "trace_key", "link_key", "at_position",
)  # fmt: skip

# DuckDB skips all row groups without a wanted row when it is given few rows (dynamic_or_filter_threshold is 50), else
# only those before the first and after the last one: a longer list of rows is cut, unless it would take many queries.
_FEW: Final = 40
_MANY: Final = 400

_IN_QUARANTINE: Final = f"""
    SELECT q.position, q.ordinal, q.at_ns, q.reason, q.error, q.trace_id, q.span_id, q.kept_as, q.raw, e.sender
    FROM quarantine AS q
    JOIN entries AS e ON e.position = q.position
    JOIN ({CURRENT}) AS piece ON (piece.tenant, piece.position, piece.ordinal) = (q.tenant, q.position, q.ordinal)
    WHERE q.tenant = ? AND piece.fate = 'quarantined'
      AND list_contains(?, q.position::VARCHAR || ':' || q.ordinal::VARCHAR)
    QUALIFY row_number() OVER (PARTITION BY q.position, q.ordinal ORDER BY q.at_position DESC) = 1
    ORDER BY q.position, q.ordinal
"""  # noqa: S608 - our text


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
    at_position: int | None


def held_versions(spans: Iterable[StoredSpan]) -> dict[tuple[str, str, str], StoredSpan]:
    """Return the version of each span key that holds: the newest row of the table ``spans``."""
    in_order = sorted(spans, key=lambda span: (span.at_position or 0, span.final, -span.position, -span.ordinal))
    return {(span.tenant, span.trace_id, span.span_id): span for span in in_order}


@dataclass(frozen=True, slots=True)
class QuarantinedPiece:
    """What is kept of a piece in quarantine; ``kept_as`` says what ``raw`` is (the table ``quarantine``)."""

    position: int
    ordinal: int
    at_ns: int
    reason: str
    error: str
    trace_id: str
    span_id: str
    kept_as: KeptAs
    raw: bytes
    sender: str


def link_key(tenant: str, link: str) -> int:
    """Return the 64-bit hash by which calls with one response id are found within a tenant."""
    digest = blake2b(f"{len(tenant)}:{tenant}{link}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def spans_of_traces(database: Database, trace_keys: Collection[int]) -> list[StoredSpan]:
    """Return all stored spans of some traces."""
    return [StoredSpan(*row) for row in _matching(database, "spans", SPAN_COLUMNS, "trace_key", trace_keys)]


def spans_of_positions(database: Database, positions: Collection[int]) -> list[StoredSpan]:
    """Return all stored versions of the pieces of some journal entries."""
    return [StoredSpan(*row) for row in _selected(database, "spans", SPAN_COLUMNS, "position", _distinct(positions))]


def receptions(database: Database, positions: Collection[int]) -> dict[int, tuple[int, str]]:
    """Return when some journal entries were received (nanoseconds since 1970), and from which sender."""
    rows = _selected(database, "entries", ("position", "at_ns", "sender"), "position", _distinct(positions))
    return {position: (at_ns, sender) for position, at_ns, sender in rows}


def traces_of_links(database: Database, link_keys: Collection[int]) -> set[int]:
    """Return the trace keys of all stored spans that carry one of some response ids."""
    return {row[0] for row in _matching(database, "spans", ("trace_key",), "link_key", link_keys)}


def known_traces(database: Database, trace_keys: Collection[int]) -> set[int]:
    """Return those of some trace keys of which any span is stored."""
    return _known(database, "trace_key", trace_keys)


def known_links(database: Database, link_keys: Collection[int]) -> set[int]:
    """Return those of some response ids' keys that any stored span carries."""
    return _known(database, "link_key", link_keys)


def legs_of_traces(database: Database, trace_keys: Collection[int]) -> list[LegRow]:
    """Return all legs whose representing member is in one of some traces."""
    return _matching(database, "legs", COLUMNS, "trace_key", trace_keys)


def uncorrected_of_traces(database: Database, trace_keys: Collection[int]) -> list[LegRow]:
    """Return all legs of what spans alone say of corrected calls, by the trace of the representing member."""
    return rows_of_traces(database, "uncorrected", COLUMNS, trace_keys)


def rows_of_traces(
    database: Database, table: str, columns: tuple[str, ...], trace_keys: Collection[int]
) -> list[tuple[Any, ...]]:
    """Return some columns of the rows of a table without an index of keys that belong to some traces."""
    return _selected(database, table, columns, "trace_key", _distinct(trace_keys)) if trace_keys else []


def pieces_in_quarantine(database: Database, tenant: str, names: Collection[str]) -> list[QuarantinedPiece]:
    """Return those pieces of a tenant, by ``position:ordinal``, that are in quarantine now, in the journal's order."""
    with database.looking_up() as connection:
        rows = connection.execute(_IN_QUARANTINE, [tenant, list(names)]).fetchall()
    return [QuarantinedPiece(*row) for row in rows]


def _known(database: Database, key: str, values: Collection[int]) -> set[int]:
    """Return those of some keys that any row of ``spans`` has."""
    if not values:
        return set()
    wanted = _distinct(values)
    keys = database.keys_of("spans")
    known = keys.present(key, wanted)
    if keys.rest is not None:
        known.update(row[0] for row in _scan(database, "spans", (key,), key, wanted, keys.rest))
    return known


def _matching(
    database: Database, table: str, columns: tuple[str, ...], key: str, values: Collection[int]
) -> list[tuple[Any, ...]]:
    """Return some columns of all rows that have one of some keys."""
    if not values:
        return []
    wanted = _distinct(values)
    keys = database.keys_of(table)
    found = keys.rows_with(key, wanted)
    each = _FEW if len(found) <= _MANY else len(found)
    rows: list[tuple[Any, ...]] = []
    for start in range(0, len(found), each):
        rows += _selected(database, table, columns, "rowid", pa.array(found[start : start + each], pa.int64()))
    if keys.rest is not None:
        rows += _scan(database, table, columns, key, wanted, keys.rest)
    return rows


def _distinct(values: Collection[int]) -> pa.Array:
    """Return some keys without repetition, in ascending order: neighbours are searched where caches are warm."""
    distinct = pc.unique(pa.array(values, pa.int64()))
    return distinct.take(pc.sort_indices(distinct))


def _scan(
    database: Database, table: str, columns: tuple[str, ...], key: str, wanted: pa.Array, first_row: int
) -> list[tuple[Any, ...]]:
    """Read the rows from one on that have one of some keys."""
    return _selected(database, table, columns, f"rowid >= {first_row} AND {key}", wanted)


def _selected(
    database: Database, table: str, columns: tuple[str, ...], condition: str, wanted: pa.Array
) -> list[tuple[Any, ...]]:
    """Read rows by a condition that ends in a name, which is one of some values."""
    names = ", ".join(f'"{column}"' for column in columns)
    with database.looking_up() as connection:
        connection.register("looked_up", pa.table({"value": wanted}))
        rows = connection.execute(
            f"SELECT {names} FROM {table} WHERE {condition} IN (SELECT value FROM looked_up)",  # noqa: S608 - names are ours
        ).fetchall()
        connection.unregister("looked_up")
    return rows
