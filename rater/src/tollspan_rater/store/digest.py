"""The digest of the store's facts: equal digests mean equal facts, whatever order the rows lie in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import duckdb

from tollspan_rater.store.tables import SCHEMAS

Columns = Mapping[str, Sequence[str]]
ALL_COLUMNS: Final[Columns] = {name: schema.names for name, schema in SCHEMAS.items()}


def table_digests(connection: duckdb.DuckDBPyConnection, columns: Columns = ALL_COLUMNS) -> dict[str, str]:
    """Return for each table ``rows:digest``: its row count and the exclusive or of its rows' MD5 numbers.

    Rows of every table are distinct, so no two rows cancel each other out unseen: the count would differ.
    ``columns`` are those that count, by table: facts of an older release have fewer tables and columns.
    """
    return {name: _digest(connection, name, columns[name]) for name in sorted(columns)}


def _digest(connection: duckdb.DuckDBPyConnection, name: str, columns: Sequence[str]) -> str:
    listed = ", ".join(f'"{column}"' for column in columns)
    row = connection.execute(
        f"SELECT count(*), coalesce(bit_xor(md5_number(row({listed})::VARCHAR)), 0) FROM {name}",  # noqa: S608 - our names
    ).fetchall()[0]
    return f"{row[0]}:{row[1]:032x}"
