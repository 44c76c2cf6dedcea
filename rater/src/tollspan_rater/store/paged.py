"""Reading many rows in pieces, while the same connection is asked for other things in between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import count
from typing import Any, Final

import duckdb

_NAMES: Final = count(1)

Row = tuple[Any, ...]


def paged(
    connection: duckdb.DuckDBPyConnection, query: str, values: Sequence[object] | Mapping[str, object], size: int
) -> Iterator[list[Row]]:
    """Yield the rows of a query, at most ``size`` at a time, in the query's order.

    A connection has one open result: with another statement between two pieces, what is left of the first would be
    gone without a word. So nothing is left open here: a result of one piece is read whole before it is given, a
    larger one is kept in a temporary table and read by its row numbers.
    """
    bound = dict(values) if isinstance(values, Mapping) else list(values)
    rows = connection.execute(query, bound).fetchmany(size + 1)
    if len(rows) <= size:
        if rows:
            yield rows
        return
    del rows
    name = f"paged_{next(_NAMES)}"
    connection.execute(f"CREATE TEMP TABLE {name} AS {query}", bound)
    try:
        ((begin,),) = connection.execute(f"SELECT min(rowid) FROM {name}").fetchall()  # noqa: S608 - our own name; not 0 before a commit
        for first in count(begin, size):
            piece = f"SELECT * FROM {name} WHERE rowid BETWEEN ? AND ? ORDER BY rowid"  # noqa: S608
            found = connection.execute(piece, [first, first + size - 1]).fetchall()
            if not found:
                return
            yield found
    finally:
        with suppress(duckdb.Error):  # the connection may be closed by whoever stopped reading; then the table is gone
            connection.execute(f"DROP TABLE {name}")
