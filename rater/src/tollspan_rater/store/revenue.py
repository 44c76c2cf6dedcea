"""Revenue that was billed elsewhere, as it stands: the newest row of each id."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb


@dataclass(frozen=True, slots=True)
class Imported:
    """One entry: a net amount that another system billed a customer, counted on ``day``; 0 was taken back."""

    id: str
    customer: str
    day: date
    amount: Decimal
    currency: str
    note: str


def imported(connection: duckdb.DuckDBPyConnection, tenant: str) -> list[Imported]:
    """Return all entries of a tenant by day and id, those that were taken back as well."""
    rows = connection.execute(
        "SELECT id, arg_max({'customer': customer, 'day': day, 'amount': amount, 'currency': currency, 'note': note}, "
        "position) FROM imported_revenue WHERE tenant = ? GROUP BY id",
        [tenant],
    ).fetchall()
    found = [
        Imported(
            ident, row["customer"], date.fromisoformat(row["day"]), Decimal(row["amount"]), row["currency"], row["note"]
        )
        for ident, row in rows
    ]
    return sorted(found, key=lambda one: (one.day, one.id))
