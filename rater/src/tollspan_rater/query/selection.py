"""Which calls a question is about: filters and times as SQL with fixed identifiers and bound values."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import duckdb
import orjson

from tollspan_rater.domain.clock import to_ns
from tollspan_rater.domain.usage import Usage
from tollspan_rater.store.paged import paged
from tollspan_rater.store.weighed import Rows

# Filters that are a column of a call; what depends on prices is filtered after rating.
COLUMN_FILTERS: Final[Mapping[str, str]] = {
    name: f'"{name}"'
    for name in (
        "customer", "user", "organization", "project", "workspace", "feature", "feature_flag", "workflow", "run",
        "prompt", "prompt_version", "environment", "region", "agent", "request_type", "phase", "subscription",
        "provider", "model", "operation", "outcome", "quality", "call_id",
    )
}  # fmt: skip
_UNSAID: Final[Mapping[str, str]] = {"environment": "production"}  # what a missing value means
_FETCH: Final = 10_000
_NAMED: Final = "CASE WHEN customer IS NULL THEN '' ELSE '=' || customer END"  # nobody differs from any name


COMPUTED: Final[Mapping[str, str]] = {
    "retried": "coalesce(calls.attempt, 1) < coalesce(chains.last, 0) AS retried",
    "flags": "array_to_string(flags, ', ') AS flags",
}

# An attempt was retried when its logical call, named by its first attempt's record, has a later one.
_CURRENT: Final = """
    WITH chains AS (
        SELECT retry_of AS chain, max(attempt) AS last FROM calls
        WHERE tenant = ? AND retry_of IS NOT NULL GROUP BY retry_of
    )
    SELECT {columns} FROM {calls} AS calls LEFT JOIN chains ON chains.chain = coalesce(calls.retry_of, calls.record_id)
    WHERE {condition}
"""

_ATTEMPTED: Final = """
    WITH standing AS (
        SELECT retry_of AS chain, attempt FROM {attempts} WHERE tenant = ? GROUP BY ALL HAVING sum(weight) > 0
    ),
    chains AS (SELECT chain, max(attempt) AS last FROM standing GROUP BY chain)
    SELECT calls.*{flags}, coalesce(calls.attempt, 1) < coalesce(chains.last, 0) AS retried
    FROM {rows} AS calls LEFT JOIN chains ON chains.chain = coalesce(calls.retry_of, calls.record_id)
    WHERE {condition}
"""


class CallRow(NamedTuple):
    """One current call or unit measure, as questions need it."""

    call_id: str
    position: int
    kind: str
    started_ns: int
    ended_ns: int
    trace_ids: list[str]
    provider: str | None
    model: str | None
    operation: str | None
    attempt: int | None
    retry_of: str | None
    retried: bool
    outcome: str
    quality: str
    service_tier: str | None
    ttft_ms: int | None
    input: int | None
    cache_read: int | None
    cache_write: int | None
    cache_write_5m: int | None
    cache_write_1h: int | None
    audio_in: int | None
    image_in: int | None
    output: int | None
    reasoning: int | None
    audio_out: int | None
    units: str | None
    meter: str | None
    quantity: Decimal | None
    reported_cost: Decimal | None
    customer: str | None
    user: str | None
    organization: str | None
    project: str | None
    workspace: str | None
    feature: str | None
    feature_flag: str | None
    workflow: str | None
    run: str | None
    prompt: str | None
    prompt_version: str | None
    environment: str | None
    region: str | None
    agent: str | None
    request_type: str | None
    phase: str | None
    subscription: str | None
    billable: bool | None
    tags: str | None
    terms: str | None
    details: str | None
    conflicts: str | None
    dialect: str
    flags: str  # joined by commas, empty without any

    @property
    def usage(self) -> Usage:
        """The token counts and units."""
        units = {} if self.units is None else {k: Decimal(v) for k, v in orjson.loads(self.units).items()}
        return Usage(
            self.input, self.cache_read, self.cache_write, self.cache_write_5m, self.cache_write_1h,
            self.audio_in, self.image_in, self.output, self.reasoning, self.audio_out, units,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Selection:
    """Calls of one tenant: service time in [start_ns, end_ns), equal to all filters.

    ``only`` and ``but`` name the customers whose calls are taken, or are not; None stands for nobody.
    """

    tenant: str
    start_ns: int | None = None
    end_ns: int | None = None
    filters: tuple[tuple[str, str], ...] = ()
    unattributed: bool = False
    only: tuple[str | None, ...] | None = None
    but: tuple[str | None, ...] = ()

    def instants(self) -> tuple[int, ...]:
        """Return where the selected time begins and ends, as far as it does."""
        return tuple(at for at in (self.start_ns, self.end_ns) if at is not None)

    def where(self, *, keyed: bool = False) -> tuple[str, list[Any]]:
        """Return an SQL condition and its values; ``keyed`` rows have a hash of the customer by which they lie."""
        conditions, bound = ["tenant = ?"], list[Any]([self.tenant])
        if self.start_ns is not None:
            conditions.append("started_ns >= ?")
            bound.append(self.start_ns)
        if self.end_ns is not None:
            conditions.append("started_ns < ?")
            bound.append(self.end_ns)
        for name, value in self.filters:
            column = COLUMN_FILTERS[name]
            unsaid = _UNSAID.get(name)
            conditions.append(f"{column} = ?" if unsaid is None else f"coalesce({column}, '{unsaid}') = ?")
            bound.append(value)
            if keyed and name == "customer":
                conditions.append("customer_key = hash(?::VARCHAR)")
                bound.append(value)
        if self.unattributed:
            conditions.append("customer IS NULL")
        for names, sign in ((self.only, ""), (self.but or None, "NOT ")):
            if names is not None:
                conditions.append(f"{sign}list_contains(?::VARCHAR[], {_NAMED})")
                bound.append([_bare(name) for name in names])
        return " AND ".join(conditions), bound


def instant(text: str, zone: str) -> int:
    """Return the instant that a day (its midnight in ``zone``) or a timestamp names, in nanoseconds."""
    at = datetime.fromisoformat(text)
    return to_ns(at if at.tzinfo is not None else at.replace(tzinfo=ZoneInfo(zone)))


def current(selection: Selection) -> tuple[str, list[Any]]:
    """Return the SQL of the selected calls, with the columns of CallRow, and its values."""
    condition, values = selection.where()
    columns = ", ".join(COMPUTED.get(name, f'"{name}"') for name in CallRow._fields)
    return _CURRENT.format(columns=columns, calls="calls", condition=condition), [selection.tenant, *values]


def weighed_of(selection: Selection, rows: Rows, attempts: str | None, names: Collection[str]) -> tuple[str, list[Any]]:
    """Return the SQL of the selected ones of some weighed rows, with ``retried``, and its values.

    ``attempts`` is the SQL of all later attempts, None where the tenant has none
    (:class:`tollspan_rater.store.weighed.Weighed`). ``names`` are the columns that will be read.
    """
    condition, values = selection.where(keyed=rows.keyed)
    flags = f" REPLACE ({COMPUTED['flags']})" if "flags" in names else ""
    if attempts is None:
        return f"SELECT *{flags}, FALSE AS retried FROM {rows.sql} WHERE {condition}", values  # noqa: S608 - fixed names, bound values
    return _ATTEMPTED.format(rows=rows.sql, attempts=attempts, flags=flags, condition=condition), [
        selection.tenant,
        *values,
    ]


def select(
    connection: duckdb.DuckDBPyConnection, selection: Selection, *, limit: int | None = None
) -> Iterator[CallRow]:
    """Yield the selected calls in the order (service time, call id)."""
    query, values = current(selection)
    cut = "" if limit is None else f" LIMIT {int(limit)}"
    for rows in paged(connection, f"{query} ORDER BY started_ns, call_id{cut}", values, _FETCH):
        yield from map(CallRow._make, rows)


def bounds(connection: duckdb.DuckDBPyConnection, selection: Selection) -> tuple[int, int] | None:
    """Return the service times of the first and the last selected call; None without any."""
    condition, values = selection.where()
    row: Sequence[Any] = connection.execute(
        f"SELECT min(started_ns), max(started_ns) FROM calls WHERE {condition}",  # noqa: S608 - fixed names, bound values
        values,
    ).fetchall()[0]
    return None if row[0] is None else (row[0], row[1])


def _bare(name: str | None) -> str:
    return "" if name is None else f"={name}"
