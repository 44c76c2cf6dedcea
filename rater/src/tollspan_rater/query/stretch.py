"""Stretches of time in which selected calls lie: short ones first, for whoever stops after a page of calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import duckdb

from tollspan_rater.query.selection import CallRow, Selection, select

_GROWTH: Final = 4
_MANY: Final = 10_000  # calls from which on what is left is read as a whole


def select_in_stretches(connection: duckdb.DuckDBPyConnection, selection: Selection, first: int) -> Iterator[CallRow]:
    """Yield the selected calls in the order (service time, call id); to begin with, about ``first`` of them are read.

    The end of a stretch is found in few columns, so that only its own calls are read whole.
    """
    size, rest = first, selection
    while size < _MANY:
        last_ns = _last_ns(connection, rest, size)
        if last_ns is None:
            break
        yield from select(connection, replace(rest, end_ns=last_ns + 1))
        size, rest = size * _GROWTH, replace(rest, start_ns=last_ns + 1)
    yield from select(connection, rest)


def _last_ns(connection: duckdb.DuckDBPyConnection, selection: Selection, size: int) -> int | None:
    """Return the service time of one of the selected calls that about ``size`` come before, None without so many.

    What was taken back counts, too: a stretch may hold fewer calls.
    """
    condition, values = selection.where()
    found = connection.execute(
        f"SELECT started_ns FROM legs WHERE sign = 1 AND {condition} ORDER BY started_ns LIMIT 1 OFFSET ?",  # noqa: S608 - fixed names, bound values
        [*values, size],
    ).fetchone()
    return None if found is None else int(found[0])
