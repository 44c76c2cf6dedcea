"""Calls that stand, among those of a condition: what the view ``calls`` says of them, without its look at all legs."""

from __future__ import annotations

from typing import Final

import duckdb

_STANDING: Final = """(
    SELECT new_leg.* FROM legs AS new_leg
    ANTI JOIN (SELECT call_id, revision FROM legs WHERE sign = -1 AND {condition}) AS old_leg USING (call_id, revision)
    WHERE sign = 1 AND {condition}
)"""


def standing(condition: str) -> str:
    """Return the SQL of the calls that stand and meet a condition, with all their columns.

    The condition holds the tenant, and nothing that depends on the position: a leg that takes a revision back has all
    else that the revision has, so that it finds both or neither. What it binds by place is bound twice.
    """
    return _STANDING.format(condition=condition)


def any_chained(connection: duckdb.DuckDBPyConnection, tenant: str) -> bool:
    """Tell whether any call of a tenant was made again, whether or not it stands; without any there are no chains."""
    query = "SELECT 1 FROM legs WHERE tenant = ? AND retry_of IS NOT NULL LIMIT 1"  # EXISTS takes thrice the planning
    return bool(connection.execute(query, [tenant]).fetchall())
