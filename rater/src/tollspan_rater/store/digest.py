"""The digest of the store's facts: equal digests mean equal facts, whatever order the rows lie in."""

from __future__ import annotations

import duckdb

from tollspan_rater.store.tables import SCHEMAS


def table_digests(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return for each table ``rows:digest``: its row count and the exclusive or of its rows' MD5 numbers.

    Rows of every table are distinct, so no two rows cancel each other out unseen: the count would differ.
    """
    return {name: _digest(connection, name) for name in sorted(SCHEMAS)}


def _digest(connection: duckdb.DuckDBPyConnection, name: str) -> str:
    columns = ", ".join(f'"{column}"' for column in SCHEMAS[name].names)
    row = connection.execute(
        f"SELECT count(*), coalesce(bit_xor(md5_number(row({columns})::VARCHAR)), 0) FROM {name}",  # noqa: S608 - our names
    ).fetchall()[0]
    return f"{row[0]}:{row[1]:032x}"
