"""The store as it was at a journal position: every table of facts, cut there for one connection."""

from __future__ import annotations

from typing import Final

import duckdb

from tollspan_rater.store.tables import SCHEMAS

_CAUSED_AT: Final = ("at_position", "position")  # the entry that wrote a row: the first of these that a table has


def cut_at(connection: duckdb.DuckDBPyConnection, position: int) -> None:
    """Let a connection see only rows that entries up to a position wrote, whatever it asks from now on.

    Rows are never changed, so this is the store as it was then. Temporary views stand before the tables, and before
    those that the store's own views read; they end with the connection, or with its open transaction.
    """
    (catalog,) = connection.execute("SELECT current_database()").fetchall()[0]
    for name, schema in SCHEMAS.items():
        known = [column for column in _CAUSED_AT if column in schema.names]
        caused_at = f"coalesce({', '.join(known)})"
        connection.execute(
            f'CREATE TEMP VIEW "{name}" AS SELECT * FROM "{catalog}".main."{name}" '  # noqa: S608 - our names, a number
            f"WHERE {caused_at} <= {int(position)}"
        )
