"""Whose calls of which time a question wants, as a small table that the database joins to the calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import pyarrow as pa

from tollspan_rater.domain.usage import TOKEN_FIELDS
from tollspan_rater.pricing.period import Period
from tollspan_rater.pricing.policy import Policy
from tollspan_rater.pricing.timeline import Segment
from tollspan_rater.query.accounts import Accounts
from tollspan_rater.query.call_fact import TAG
from tollspan_rater.query.rated import policy_of
from tollspan_rater.query.standing import any_chained, standing
from tollspan_rater.query.tariffs import Tariffs
from tollspan_rater.rating.tariff import Tariff
from tollspan_rater.store.weighed import LEGS

# Calls of nobody's spell are found without a place: an inner join makes DuckDB 2.0.0 hash the calls, not the spells.
# Where no call was made again, DuckDB sees that chains tell nothing, and leaves the calls' record ids unread.
_FOUND: Final = """
    WITH found AS (
        SELECT calls.*, spells.place, spells.bill, spells.number, spells.account_phase,
               coalesce(calls.attempt, 1) > 1 AS again,
               coalesce(calls.attempt, 1) < coalesce(chains.last, 0) AS retried
        FROM {calls} AS calls
        LEFT JOIN spells ON calls.customer IS NOT DISTINCT FROM spells.customer
            AND calls.started_ns >= spells.start_ns AND calls.started_ns < spells.end_ns
        LEFT JOIN {chains} AS chains ON $chained AND chains.chain = coalesce(calls.retry_of, calls.record_id)
    )
"""
_COLUMNS: Final = (
    "provider", "model", "environment", "phase", "outcome", "billable", "attempt", "retry_of", "record_id", "quality",
    "kind", "operation", *TOKEN_FIELDS, "units", "meter", "quantity",
)  # fmt: skip
_WANTED: Final = """tenant = $tenant AND started_ns >= $start AND started_ns < $end
    AND ($everyone OR customer IS NOT DISTINCT FROM $customer)"""
_EACH: Final = f"(SELECT *, 1 AS weight FROM {standing(_WANTED)})"  # noqa: S608 - fixed names, bound values
FOUND: Final = _FOUND.format(calls=_EACH, chains=LEGS.chains("$tenant"))


@dataclass(frozen=True, slots=True)
class Spell:
    """The time in which a customer had one plan at one price version: segment ``number`` of a period.

    ``of`` is the place of the period among those that are wanted. ``phase`` is a trial's, else the account's.
    """

    of: int
    customer: str | None
    phase: str | None
    number: int
    segment: Segment
    tariff: Tariff

    @property
    def policy(self) -> Policy:
        """The policy that decides on calls of the spell."""
        return policy_of(self.segment)


def spells_of(accounts: Accounts, wanted: Sequence[tuple[str | None, Period]], tariffs: Tariffs) -> list[Spell]:
    """Return the segments of customers' periods, in their order; None stands for nobody's calls."""
    found = []
    for of, (customer, period) in enumerate(wanted):
        segments, phase = accounts.segments(customer, period), accounts.customer(customer).phase
        tariff = tariffs.of(segments)
        found += [
            Spell(of, customer, segment.phase or phase, number, segment, tariff)
            for number, segment in enumerate(segments)
        ]
    return found


def found_legs(names: Sequence[str]) -> str:
    """Return ``FOUND`` of weighed legs: what was taken back cancels out. ``names`` are the facts that are read."""
    rows = LEGS.rows((*_COLUMNS, *("tags" if name.startswith(TAG) else name for name in names)))
    calls = f"(SELECT * FROM {rows.sql} WHERE {_WANTED})"  # noqa: S608 - fixed names, bound values
    return _FOUND.format(calls=calls, chains=LEGS.chains("$tenant"))


@contextmanager
def registered(connection: duckdb.DuckDBPyConnection, tenant: str, spells: Sequence[Spell]) -> Iterator[dict[str, Any]]:
    """Let queries that begin with ``FOUND`` see the spells by their place; give the values that these queries take.

    Such a query leaves out, or must leave out, what was found with no place.
    """
    customers = {spell.customer for spell in spells}
    table = pa.table(
        {
            "place": pa.array(range(len(spells)), pa.int32()),
            "bill": pa.array([spell.of for spell in spells], pa.int32()),
            "number": pa.array([spell.number for spell in spells], pa.int32()),
            "account_phase": pa.array([spell.phase for spell in spells], pa.string()),
            "customer": pa.array([spell.customer for spell in spells], pa.string()),
            "start_ns": pa.array([spell.segment.start_ns for spell in spells], pa.int64()),
            "end_ns": pa.array([spell.segment.end_ns for spell in spells], pa.int64()),
        }
    )
    connection.register("spells", table)
    try:
        yield {
            "tenant": tenant,
            "chained": any_chained(connection, tenant),
            "start": min(spell.segment.start_ns for spell in spells),
            "end": max(spell.segment.end_ns for spell in spells),
            "everyone": len(customers) > 1,
            "customer": None if len(customers) > 1 else next(iter(customers)),
        }
    finally:
        connection.unregister("spells")
