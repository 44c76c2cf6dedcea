"""Which calls have new money to show, and what it is: from the same rating that ``tollspan calls`` prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import duckdb
import orjson

from tollspan import semconv
from tollspan_rater.cost.rates import Unknown
from tollspan_rater.query.rated import RatedCall
from tollspan_rater.query.resumed import resumed
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.selection import Selection
from tollspan_rater.trace_out.money import Money, Place

_DIMENSIONS: Final = (
    ("customer", semconv.attribution_attribute("customer")),
    ("organization", semconv.attribution_attribute("organization")),
    ("project", semconv.attribution_attribute("project")),
    ("workspace", semconv.attribution_attribute("workspace")),
    ("feature", semconv.attribution_attribute("feature")),
    ("environment", semconv.attribution_attribute("environment")),
    ("prompt", semconv.attribution_attribute("prompt")),
    ("prompt_version", semconv.attribution_attribute("prompt_version")),
    ("provider", semconv.PROVIDER_OF_CALL),
    ("model", semconv.MODEL),
)
# Calls that entries after $after changed and none after $ripe, those that came to rest first; of each its state now,
# which is NULL where nothing is left of it, and the first revision among the changes.
_CHANGED: Final = """
    WITH own AS (SELECT * FROM legs WHERE tenant = $tenant AND kind = 'call' AND position > $after),
    changed AS (
        SELECT call_id, max(position) AS last, min(revision) FILTER (sign = 1) AS first FROM own
        GROUP BY call_id HAVING max(position) <= $ripe ORDER BY last LIMIT $most
    ),
    gone AS (SELECT call_id, revision FROM own WHERE sign = -1),
    now AS (SELECT own.* FROM own ANTI JOIN gone USING (call_id, revision) WHERE sign = 1)
    SELECT call_id, last, first, members[1], started_ns, customer, details
    FROM changed LEFT JOIN now USING (call_id) ORDER BY last, call_id
"""
_NEW_TERMS: Final = """
    SELECT max(position) FROM (
        SELECT position FROM price_versions WHERE tenant = $tenant AND position > $after AND position <= $ripe
        UNION ALL
        SELECT position FROM customers WHERE tenant = $tenant AND position > $after AND position <= $ripe
    )
"""


class Changed(NamedTuple):
    """A call that changed: ``place`` is None when nothing is left of it; ``is_new`` when these are its first spans."""

    call_id: str
    last: int
    is_new: bool
    place: Place | None
    customer: str | None
    sampled_out: bool


@dataclass(frozen=True, slots=True)
class News:
    """What changed up to the position ``come_to``; ``terms`` tells whether prices or customers did."""

    calls: tuple[Changed, ...]
    come_to: int
    terms: bool


def ripe_position(connection: duckdb.DuckDBPyConnection, quiet_since_ns: int) -> int:
    """Return the last position before the first entry that came after an instant."""
    ((last, young),) = connection.execute(
        "SELECT coalesce(max(position), 0), min(CASE WHEN at_ns > ? THEN position END) FROM entries", [quiet_since_ns]
    ).fetchall()
    return int(last) if young is None else int(young) - 1


def news(connection: duckdb.DuckDBPyConnection, tenant: str, after: int, ripe: int, most: int) -> News:
    """Return the calls that changed after a position and rest since ``ripe``: some ``most`` of them at a time."""
    asked: dict[str, str | int] = {"tenant": tenant, "after": after, "ripe": ripe}
    calls = _changed(connection, {**asked, "most": most})
    if len(calls) == most:  # the last entry may hold more: what follows it waits, what it holds is taken whole
        ripe = calls[-1].last
        calls = _changed(connection, {**asked, "ripe": ripe, "most": 1 << 40})
    ((terms,),) = connection.execute(_NEW_TERMS, {**asked, "ripe": ripe}).fetchall()
    return News(tuple(calls), ripe, terms is not None)


def first_positions(connection: duckdb.DuckDBPyConnection, tenant: str, call_ids: Sequence[str]) -> dict[str, int]:
    """Return at which position each of some calls was first known."""
    if not call_ids:
        return {}
    rows = connection.execute(
        "SELECT call_id, min(position) FROM legs WHERE tenant = $tenant AND list_contains($ids, call_id) GROUP BY 1",
        {"tenant": tenant, "ids": list(call_ids)},
    )
    return dict(rows.fetchall())


def rated(scope: Scope, customers: Iterable[str | None], start_ns: int) -> Iterator[tuple[str, Money]]:
    """Yield the calls of some customers from an instant on with their money, as ``tollspan calls`` does."""
    selection = Selection(scope.accounts.tenant, only=tuple(dict.fromkeys(customers)))
    for call in resumed(scope.connection, scope.accounts, selection, start_ns):
        if call.row.kind == "call":
            yield call.row.call_id, money_of(call)


def money_of(call: RatedCall) -> Money:
    """Return what a rated call costs and is charged, under its dimensions."""
    row = call.row
    said = {name: getattr(row, column) for column, name in _DIMENSIONS}
    said[semconv.PLAN] = call.plan
    cost = call.cost
    return Money(
        call.cost_amount,
        None if isinstance(cost, Unknown) else cost.currency,
        call.charged.amount,
        None if call.charged.amount is None else call.charged.currency,
        call.charged.version,
        {name: word for name, word in said.items() if word is not None},
    )


def _changed(connection: duckdb.DuckDBPyConnection, asked: dict[str, str | int]) -> list[Changed]:
    found = []
    for call_id, last, first, member, started_ns, customer, details in connection.execute(_CHANGED, asked).fetchall():
        place = None if member is None else Place(member[:32], member[33:], started_ns)
        sampled_out = details is not None and orjson.loads(details).get("trace_sampled") == "false"
        found.append(Changed(call_id, int(last), first == 1, place, customer, sampled_out))
    return found
