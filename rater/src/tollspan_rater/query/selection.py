"""Which calls a question is about: filters and times as SQL with fixed identifiers and bound values."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import duckdb
import orjson

from tollspan_rater.domain.clock import to_ns
from tollspan_rater.domain.usage import Usage
from tollspan_rater.errors import UsageError
from tollspan_rater.query.standing import any_chained, standing
from tollspan_rater.store.paged import paged
from tollspan_rater.store.weighed import LEGS, Rows

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

_UNCHAINED: Final = {**COMPUTED, "retried": "FALSE AS retried"}
# An attempt was retried when its logical call, named by its first attempt's record, has a later one.
_CHAINED: Final = "LEFT JOIN {chains} AS chains ON chains.chain = coalesce(calls.retry_of, calls.record_id)"


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

    def standing(self) -> tuple[str, list[Any]]:
        """Return the SQL of the calls that stand, with all their columns, and its values."""
        condition, values = self.where()
        return standing(condition), values * 2


def instant(text: str, zone: str) -> int:
    """Return the instant that a day (its midnight in ``zone``) or a timestamp names, in nanoseconds."""
    at = datetime.fromisoformat(text)
    return to_ns(at if at.tzinfo is not None else at.replace(tzinfo=ZoneInfo(zone)))


def refuse_backward(params: Mapping[str, str], zone: str) -> None:
    """Let a span of time pass that begins before it ends, or is open at either end.

    Raises:
        UsageError: it does not; no call could lie in it, and an empty answer would hide that.
    """
    start, end = params.get("from"), params.get("to")
    if start is not None and end is not None and instant(start, zone) >= instant(end, zone):
        raise UsageError(f"from {start} is not before to {end} in {zone}: to is the first day or instant left out")


def current(selection: Selection, *, chained: bool = True) -> tuple[str, list[Any]]:
    """Return the SQL of the selected calls, with the columns of CallRow, and its values.

    Without ``chained`` no call of the tenant was made again.
    """
    calls, values = selection.standing()
    computed = COMPUTED if chained else _UNCHAINED
    columns = ", ".join(computed.get(name, f'"{name}"') for name in CallRow._fields)
    join, bound = (_CHAINED.format(chains=LEGS.chains("?")), [selection.tenant]) if chained else ("", [])
    return f"SELECT {columns} FROM {calls} AS calls {join}", [*values, *bound]  # noqa: S608 - fixed names, bound values


def weighed_of(selection: Selection, rows: Rows, last: str | None, names: Collection[str]) -> tuple[str, list[Any]]:
    """Return the SQL of the selected ones of some weighed rows, with ``retried``, and its values.

    ``last`` is the SQL of chains, with a place for the tenant, None where the tenant has none
    (:class:`tollspan_rater.store.weighed.Weighed`). ``names`` are the columns that will be read.
    """
    condition, values = selection.where(keyed=rows.keyed)
    computed = COMPUTED if last is not None else _UNCHAINED
    flags = f" REPLACE ({computed['flags']})" if "flags" in names else ""
    join, bound = ("", []) if last is None else (_CHAINED.format(chains=last), [selection.tenant])
    found = f"SELECT * FROM {rows.sql} WHERE {condition}"  # noqa: S608 - fixed names, bound values
    return f"SELECT calls.*{flags}, {computed['retried']} FROM ({found}) AS calls {join}", [*values, *bound]  # noqa: S608 - as above


def select(
    connection: duckdb.DuckDBPyConnection, selection: Selection, *, limit: int | None = None
) -> Iterator[CallRow]:
    """Yield the selected calls in the order (service time, call id)."""
    query, values = current(selection, chained=any_chained(connection, selection.tenant))
    cut = "" if limit is None else f" LIMIT {int(limit)}"
    for rows in paged(connection, f"{query} ORDER BY started_ns, call_id{cut}", values, _FETCH):
        yield from map(CallRow._make, rows)


def bounds(connection: duckdb.DuckDBPyConnection, selection: Selection) -> tuple[int, int] | None:
    """Return the service times of the first and the last selected call; None without any."""
    condition, values = selection.where()
    [(first, last)] = connection.execute(
        f"SELECT min(started_ns), max(started_ns) FROM legs WHERE {condition}",  # noqa: S608 - fixed names, bound values
        values,
    ).fetchall()
    if first is None:
        return None
    stand = connection.execute(
        f"SELECT started_ns FROM legs WHERE {condition} AND started_ns IN (?, ?) "  # noqa: S608 - as above
        "GROUP BY started_ns HAVING sum(sign) > 0",
        [*values, first, last],
    ).fetchall()
    if {at for (at,) in stand} == {first, last}:
        return first, last
    calls, values = selection.standing()
    [(first, last)] = connection.execute(f"SELECT min(started_ns), max(started_ns) FROM {calls}", values).fetchall()  # noqa: S608 - as above
    return None if first is None else (first, last)


def number_of(connection: duckdb.DuckDBPyConnection, selection: Selection) -> int:
    """Return how many selected calls there are."""
    condition, values = selection.where()
    [(count,)] = connection.execute(
        f"SELECT coalesce(sum(sign), 0) FROM legs WHERE {condition}",  # noqa: S608 - fixed names, bound values
        values,
    ).fetchall()
    return int(count)


def customers_of(connection: duckdb.DuckDBPyConnection, selection: Selection) -> list[str | None]:
    """Return whose the selected calls are, None for nobody's."""
    condition, values = selection.where()
    found = connection.execute(
        f"SELECT customer FROM legs WHERE {condition} GROUP BY customer HAVING sum(sign) > 0",  # noqa: S608 - fixed names, bound values
        values,
    ).fetchall()
    return [name for (name,) in found]


def _bare(name: str | None) -> str:
    return "" if name is None else f"={name}"
