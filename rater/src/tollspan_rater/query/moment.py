"""Moments of knowledge: a journal position, or the last one before a time."""

from __future__ import annotations

from typing import Final

import duckdb

from tollspan_rater.errors import UsageError
from tollspan_rater.query.selection import instant

NOW: Final = "now"
STORED: Final = "stored"  # as now, without waiting for what is durable and not in the store yet


def position_at(connection: duckdb.DuckDBPyConnection, text: str, zone: str, now_ns: int, last: int) -> int:
    """Return the journal position that a moment names: digits are one, a day or an instant is the last before it.

    ``now`` is the ``last`` one of all, and so is ``stored``: whoever answers waits for the one, not for the other.

    The last one before an instant is the one before the first entry that came after it, so that entries to come
    never move it, even when a clock is set back.

    Raises:
        UsageError: the moment has not come, so that its answer would not stay.
    """
    if text in {NOW, STORED}:
        return last
    if text.isdecimal():
        if int(text) > last:
            raise UsageError(f"as of position {text} is not known: the journal has come to position {last}")
        return int(text)
    at_ns = instant(text, zone)
    if at_ns > now_ns:
        raise UsageError(f"as of {text} is not known: that time has not come")
    ((after,),) = connection.execute("SELECT min(position) FROM entries WHERE at_ns > ?", [at_ns]).fetchall()
    return last if after is None else int(after) - 1


def wanted_position(text: str | None, last: int) -> int:
    """Return how far the store has to be for an answer as of a moment, ``last`` being what is durable."""
    if text == STORED:
        return 0
    return min(int(text), last) if text is not None and text.isdecimal() else last


def last_entry(connection: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """Return position and time of the last journal entry that a connection sees; 0 and 0 before the first."""
    found = connection.execute("SELECT max(position), arg_max(at_ns, position) FROM entries").fetchall()
    ((position, at_ns),) = found
    return (0, 0) if position is None else (int(position), int(at_ns))
