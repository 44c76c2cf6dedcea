"""What was closed: statements and postings."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import duckdb

from tollspan_rater.pricing.period import Period

_PERIOD: Final = "start_ns, end_ns, period, zone, cycle_ns"


@dataclass(frozen=True, slots=True)
class Close:
    """One close: whose period, by which journal entry, and up to which position everything was known to it."""

    customer: str
    period: Period
    position: int
    at_ns: int
    actor: str
    cutoff: int
    release: str
    digest: str


@dataclass(frozen=True, slots=True)
class Leg:
    """One posting with the close that booked it; ``amount`` is exact."""

    customer: str
    period: str
    position: int
    line_id: str
    account: str
    currency: str
    amount: Decimal


def closes(connection: duckdb.DuckDBPyConnection, tenant: str) -> list[Close]:
    """Return the closes of a tenant, in the order in which they were journaled."""
    rows = connection.execute(
        f"SELECT customer, position, at_ns, actor, cutoff, release, digest, {_PERIOD} "  # noqa: S608 - fixed names
        "FROM statements WHERE tenant = ? ORDER BY position",
        [tenant],
    ).fetchall()
    return [Close(row[0], Period(*row[7:]), *row[1:7]) for row in rows]


def closed_periods(connection: duckdb.DuckDBPyConnection, tenant: str) -> dict[str, tuple[Period, ...]]:
    """Return the closed periods of each customer of a tenant, in the order of time."""
    found: dict[str, list[Period]] = {}
    for customer, *period in connection.execute(
        f"SELECT customer, {_PERIOD} FROM statements WHERE tenant = ? ORDER BY start_ns",  # noqa: S608 - fixed names
        [tenant],
    ).fetchall():
        found.setdefault(customer, []).append(Period(*period))
    return {customer: tuple(periods) for customer, periods in found.items()}


def bodies(connection: duckdb.DuckDBPyConnection, tenant: str, customer: str) -> dict[int, str]:
    """Return the statements of a customer as JSON, by the position that closed each."""
    rows = connection.execute(
        "SELECT position, body FROM statements WHERE tenant = ? AND customer = ? ORDER BY position", [tenant, customer]
    ).fetchall()
    return dict(rows)


def legs(connection: duckdb.DuckDBPyConnection, tenant: str, of: str | None = None) -> list[Leg]:
    """Return the postings of a tenant, or of one of its customers, in the order in which they were booked."""
    rows = connection.execute(
        "SELECT customer, period, position, line_id, account, currency, amount FROM postings "
        "WHERE tenant = $tenant AND ($customer::VARCHAR IS NULL OR customer = $customer) "
        "ORDER BY position, line_id, account",
        {"tenant": tenant, "customer": of},
    ).fetchall()
    return [
        Leg(customer, period, position, line_id, account, currency, Decimal(amount))
        for customer, period, position, line_id, account, currency, amount in rows
    ]
