"""The fate that holds for every piece: its newest row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import duckdb

# One row a piece: the version rows of `spans` say what it was when it came, `fates` what it became. A replay may
# store a piece and the version that replaces it at once; nothing follows `superseded`.
CURRENT: Final = """
    SELECT tenant, position, ordinal, any_value(trace_id) AS trace_id, any_value(span_id) AS span_id,
           arg_max(fate, nth) AS fate, arg_max_null(reason, nth) AS reason, arg_max_null(held_by, nth) AS held_by
    FROM (
        SELECT tenant, position, ordinal, trace_id, span_id, fate, reason, NULL AS held_by, 3 * position AS nth
        FROM spans
        UNION ALL
        SELECT tenant, position, ordinal, trace_id, span_id, fate, reason, held_by,
               3 * at_position + CASE fate WHEN 'superseded' THEN 2 ELSE 1 END AS nth
        FROM fates
    )
    GROUP BY tenant, position, ordinal
"""


@dataclass(frozen=True, slots=True)
class PieceFate:
    """The fate of one piece."""

    position: int
    ordinal: int
    trace_id: str
    span_id: str
    fate: str
    reason: str | None
    held_by: str | None


def counts(connection: duckdb.DuckDBPyConnection, tenant: str | None) -> dict[str, int]:
    """Return how many pieces have each fate."""
    rows = connection.execute(
        f"SELECT fate, count(*) FROM ({CURRENT}) WHERE ?::VARCHAR IS NULL OR tenant = ? GROUP BY fate ORDER BY fate",  # noqa: S608 - our text
        [tenant, tenant],
    ).fetchall()
    return dict(rows)


def of_trace(
    connection: duckdb.DuckDBPyConnection, tenant: str, trace_id: str, span_id: str | None = None
) -> list[PieceFate]:
    """Return the fates of all pieces of a trace, or of one span of it, in the order of the journal."""
    rows = connection.execute(
        f"SELECT position, ordinal, trace_id, span_id, fate, reason, held_by FROM ({CURRENT}) "  # noqa: S608 - our text
        "WHERE tenant = ? AND trace_id = ? AND (?::VARCHAR IS NULL OR span_id = ?) ORDER BY position, ordinal",
        [tenant, trace_id, span_id, span_id],
    ).fetchall()
    return [PieceFate(*row) for row in rows]
