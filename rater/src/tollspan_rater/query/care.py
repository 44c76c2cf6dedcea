"""Questions of those who look after a folder: quarantine, customers, keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import duckdb

from tollspan_rater.errors import NotFoundError
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.bill import with_usage_or_plan
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.wording import instant
from tollspan_rater.store import state
from tollspan_rater.store.fates import CURRENT

_QUARANTINED: Final = f"""
    SELECT q.position, q.ordinal, q.at_ns, q.reason, q.error, q.trace_id, q.span_id, octet_length(q.raw) AS bytes
    FROM quarantine AS q
    JOIN ({CURRENT}) AS piece USING (tenant, position, ordinal)
    WHERE q.tenant = ? AND piece.fate = 'quarantined'
    QUALIFY row_number() OVER (PARTITION BY q.position, q.ordinal ORDER BY q.at_position DESC) = 1
"""  # noqa: S608 - our text


def quarantine_list(scope: Scope, params: Mapping[str, str]) -> Answer:
    """List the pieces in quarantine, newest first."""
    reason = params.get("reason")
    rows = scope.connection.execute(
        f"SELECT * FROM ({_QUARANTINED}) WHERE ?::VARCHAR IS NULL OR reason = ? "  # noqa: S608 - our text
        "ORDER BY position DESC, ordinal LIMIT ?",
        [scope.accounts.tenant, reason, reason, int(params.get("limit", "100"))],
    ).fetchall()
    return Answer(
        "Pieces in quarantine",
        ("id", "received_at", "reason", "error", "trace_id", "span_id", "bytes"),
        [_piece(row) for row in rows],
        scope.as_of,
        notes=["Read them again with: tollspan quarantine replay --id ID (or --reason R)"] if rows else [],
    )


def quarantine_show(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Show one piece in quarantine."""
    name = params["id"]
    rows = scope.connection.execute(
        f"SELECT * FROM ({_QUARANTINED}) WHERE position::VARCHAR || ':' || ordinal::VARCHAR = ?",  # noqa: S608 - our text
        [scope.accounts.tenant, name],
    ).fetchall()
    if not rows:
        raise NotFoundError("piece in quarantine", name, "tollspan quarantine list shows them.")
    fields = _piece(rows[0])
    return Answer(
        f"Piece {name}", ("field", "value"), [{"field": k, "value": v} for k, v in fields.items()], scope.as_of
    )


def quarantined_pieces(
    connection: duckdb.DuckDBPyConnection, tenant: str, *, name: str | None, reason: str | None
) -> list[str]:
    """Return the names of the pieces in quarantine, all or those of a name or reason."""
    rows = connection.execute(f"SELECT * FROM ({_QUARANTINED}) ORDER BY position, ordinal", [tenant]).fetchall()  # noqa: S608 - our text
    found = [(f"{row[0]}:{row[1]}", row[3]) for row in rows]
    return [piece for piece, why in found if (name is None or piece == name) and (reason is None or why == reason)]


def customers_list(scope: Scope, params: Mapping[str, str]) -> Answer:
    """List customers with their plans: those that were set, with ``seen`` also those that have nothing but usage."""
    wanted = params.get("customer")
    known = state.customers(scope.connection, scope.accounts.tenant)
    if "seen" in params:
        known = {name: known.get(name) or scope.accounts.customer(name) for name in with_usage_or_plan(scope)}
    names = scope.names.name_of(scope.accounts.tenant, known, kind="customer")
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
            "addons": [_addon(one) for one in customer.addons],
            "anchor": customer.anchor,
        }
        for customer in known.values()
        if wanted in {None, customer.customer}
    ]
    if wanted is not None and not rows:
        raise NotFoundError("customer", wanted, "tollspan customers set adds it.")
    columns = ("customer", "name", "plans", "segment", "phase", "currency", "zone", "external_ids", "addons", "anchor")
    return Answer("Customers", columns, rows, scope.as_of)


def _addon(held: Mapping[str, str]) -> str:
    since, until = (f" {word} {held[word]}" if word in held else "" for word in ("from", "to"))
    return f"{held['quantity']} {held['addon']}{since}{until}"


def keys_list(scope: Scope, _params: Mapping[str, str]) -> Answer:
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
        for key in state.keys(scope.connection, scope.accounts.tenant)
    ]
    return Answer("Keys", ("key_id", "label", "scopes", "customer", "created_at", "revoked"), rows, scope.as_of)


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
