"""Which calls a correction is about, as they stand and as their spans alone say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import duckdb

from tollspan_rater.domain.call import Call
from tollspan_rater.domain.correction import Correction, in_force
from tollspan_rater.errors import NotFoundError, UsageError
from tollspan_rater.extract.correct import by_span, corrections_of
from tollspan_rater.query.selection import Selection, number_of
from tollspan_rater.store.corrections import corrections_known
from tollspan_rater.store.legs import COLUMNS, call_in, trace_key
from tollspan_rater.store.paged import paged

MOST_CALLS: Final = 100_000  # in one correction; each takes about 200 bytes of the journal and of memory

_FETCH: Final = 2_000
_NAMES: Final = ", ".join(f'"{name}"' for name in COLUMNS)
_NAMED: Final = "tenant = ? AND call_id IN (SELECT unnest(?::VARCHAR[]))"
_WHERE_NOW: Final = """
    WITH gone AS (
        SELECT unnest(arg_max(members, position)) AS name FROM legs WHERE tenant = $tenant AND call_id = $call
    )
    SELECT DISTINCT call_id FROM (SELECT call_id, unnest(members) AS name FROM settled_calls WHERE tenant = $tenant)
    WHERE name IN (SELECT name FROM gone) ORDER BY call_id
"""


def standing(connection: duckdb.DuckDBPyConnection, tenant: str, call_ids: Sequence[str]) -> dict[str, Call]:
    """Return those of some calls that count, as they stand."""
    return {call.call_id: call for call in _calls(connection, "calls", _NAMED, [tenant, list(call_ids)])}


def settled(connection: duckdb.DuckDBPyConnection, tenant: str, call_ids: Sequence[str]) -> dict[str, Call]:
    """Return some calls as their spans alone say, void ones included.

    Raises:
        NotFoundError: one of the ids is that of no call, or of one that is no more.
    """
    found = settled_calls(connection, tenant, call_ids)
    for call_id in call_ids:
        if call_id not in found:
            raise _unknown(connection, tenant, call_id)
    return found


def settled_calls(connection: duckdb.DuckDBPyConnection, tenant: str, call_ids: Sequence[str]) -> dict[str, Call]:
    """Return those of some calls that are any, as their spans alone say."""
    return {call.call_id: call for call in _calls(connection, "settled_calls", _NAMED, [tenant, list(call_ids)])}


def selected(connection: duckdb.DuckDBPyConnection, selection: Selection) -> Iterator[Call]:
    """Yield the calls and units that stand and fit a selection, in the order of time.

    Raises:
        UsageError: more than one correction may name.
    """
    condition, values = selection.where()
    count = number_of(connection, selection)
    if count > MOST_CALLS:
        raise UsageError(f"{count} calls fit, one correction may name {MOST_CALLS}: narrow the span of time")
    yield from _calls(connection, "calls", f"{condition} ORDER BY started_ns, call_id", values)


def made_about(connection: duckdb.DuckDBPyConnection, tenant: str, calls: Iterable[Call]) -> list[Correction]:
    """Return whatever corrections were made of calls in the traces of some calls."""
    keys = sorted({trace_key(member[:32]) for call in calls for member in call.members})
    return corrections_known(connection, tenant, "trace_key IN (SELECT unnest(?::BIGINT[]))", keys)


def holding(
    connection: duckdb.DuckDBPyConnection, tenant: str, calls: Iterable[Call]
) -> Mapping[str, list[Correction]]:
    """Return the corrections in force of some calls, by call id, in the order in which they were made."""
    found = {call.call_id: call for call in calls}
    about = by_span(in_force(made_about(connection, tenant, found.values())))
    return {call_id: corrections_of(call, call.members, about) for call_id, call in found.items()}


def _unknown(connection: duckdb.DuckDBPyConnection, tenant: str, call_id: str) -> NotFoundError:
    now = connection.execute(_WHERE_NOW, {"tenant": tenant, "call": call_id}).fetchall()
    names = ", ".join(name for (name,) in now)
    return NotFoundError("call", call_id, f"Its spans are in {names} now." if now else "tollspan calls lists them.")


def _calls(
    connection: duckdb.DuckDBPyConnection, table: str, condition: str, values: Sequence[object]
) -> Iterator[Call]:
    query = f"SELECT {_NAMES} FROM {table} WHERE {condition}"  # noqa: S608 - our names
    for rows in paged(connection, query, values, _FETCH):
        yield from map(call_in, rows)
