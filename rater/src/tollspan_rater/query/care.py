"""Questions of those who look after a folder: quarantine, customers, keys."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Final

import duckdb

from tollspan_rater.domain.clock import from_ns
from tollspan_rater.errors import NotFoundError
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.store import state
from tollspan_rater.store.fates import CURRENT

_QUARANTINED: Final = f"""
    SELECT q.position, q.ordinal, q.at_ns, q.reason, q.error, q.trace_id, q.span_id, octet_length(q.raw) AS bytes
    FROM quarantine AS q
    JOIN ({CURRENT}) AS piece USING (tenant, position, ordinal)
    WHERE q.tenant = ? AND piece.fate = 'quarantined'
    QUALIFY row_number() OVER (PARTITION BY q.position, q.ordinal ORDER BY q.at_ns DESC) = 1
"""  # noqa: S608 - our text


def instant(at_ns: int | None) -> str | None:
    """Return an instant as ISO 8601 in UTC with microseconds, e.g. ``2026-11-21T10:00:00.000000Z``."""
    if at_ns is None:
        return None
    return from_ns(at_ns).astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def quarantine_list(
    connection: duckdb.DuckDBPyConnection, tenant: str, params: Mapping[str, str], as_of: int
) -> Answer:
    """List the pieces in quarantine, newest first."""
    reason = params.get("reason")
    rows = connection.execute(
        f"SELECT * FROM ({_QUARANTINED}) WHERE ?::VARCHAR IS NULL OR reason = ? "  # noqa: S608 - our text
        "ORDER BY position DESC, ordinal LIMIT ?",
        [tenant, reason, reason, int(params.get("limit", "100"))],
    ).fetchall()
    return Answer(
        "Pieces in quarantine",
        ("id", "received_at", "reason", "error", "trace_id", "span_id", "bytes"),
        [_piece(row) for row in rows],
        as_of,
        notes=["Read them again with: tollspan quarantine replay --id ID (or --reason R)"] if rows else [],
    )


def quarantine_show(
    connection: duckdb.DuckDBPyConnection, tenant: str, params: Mapping[str, str], as_of: int
) -> Answer:
    """Show one piece in quarantine."""
    name = params["id"]
    rows = connection.execute(
        f"SELECT * FROM ({_QUARANTINED}) WHERE position::VARCHAR || ':' || ordinal::VARCHAR = ?",  # noqa: S608 - our text
        [tenant, name],
    ).fetchall()
    if not rows:
        raise NotFoundError("piece in quarantine", name, "tollspan quarantine list shows them.")
    fields = _piece(rows[0])
    return Answer(f"Piece {name}", ("field", "value"), [{"field": k, "value": v} for k, v in fields.items()], as_of)


def quarantined_pieces(
    connection: duckdb.DuckDBPyConnection, tenant: str, *, name: str | None, reason: str | None
) -> list[str]:
    """Return the names of the pieces in quarantine, all or those of a name or reason."""
    rows = connection.execute(f"SELECT * FROM ({_QUARANTINED}) ORDER BY position, ordinal", [tenant]).fetchall()  # noqa: S608 - our text
    found = [(f"{row[0]}:{row[1]}", row[3]) for row in rows]
    return [piece for piece, why in found if (name is None or piece == name) and (reason is None or why == reason)]


def customers_list(
    connection: duckdb.DuckDBPyConnection,
    tenant: str,
    params: Mapping[str, str],
    as_of: int,
    names: Mapping[str, str],
) -> Answer:
    """List customers with their plans; ``names`` maps customer ids to display names."""
    wanted = params.get("customer")
    rows: list[dict[str, Cell]] = [
        {
            "customer": customer.customer,
            "name": names.get(customer.customer),
            "plans": [plan if day is None else f"{plan} from {day}" for day, plan in customer.plans],
            "segment": customer.segment,
            "phase": customer.phase,
            "currency": customer.currency,
            "zone": customer.zone,
            "external_ids": dict(customer.external_ids),
        }
        for customer in state.customers(connection, tenant).values()
        if wanted in {None, customer.customer}
    ]
    if wanted is not None and not rows:
        raise NotFoundError("customer", wanted, "tollspan customers set adds it.")
    columns = ("customer", "name", "plans", "segment", "phase", "currency", "zone", "external_ids")
    return Answer("Customers", columns, rows, as_of)


def keys_list(connection: duckdb.DuckDBPyConnection, tenant: str, as_of: int) -> Answer:
    """List the keys of a tenant; their secrets were never kept."""
    rows: list[dict[str, Cell]] = [
        {
            "key_id": key.key_id,
            "label": key.label,
            "scopes": list(key.scopes),
            "customer": key.customer,
            "created_at": instant(key.at_ns),
            "revoked": key.revoked,
        }
        for key in state.keys(connection, tenant)
    ]
    return Answer("Keys", ("key_id", "label", "scopes", "customer", "created_at", "revoked"), rows, as_of)


def _piece(row: tuple[object, ...]) -> dict[str, Cell]:
    position, ordinal, at_ns, reason, error, trace_id, span_id, size = row
    return {
        "id": f"{position}:{ordinal}",
        "received_at": instant(int(str(at_ns))),
        "reason": str(reason),
        "error": str(error),
        "trace_id": str(trace_id) or None,
        "span_id": str(span_id) or None,
        "bytes": int(str(size)),
    }
