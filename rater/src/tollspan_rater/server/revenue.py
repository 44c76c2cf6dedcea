"""Importing revenue that was billed elsewhere: an id counts once, however often it is sent."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from tollspan_rater.domain.entries import NewCommand
from tollspan_rater.query.rater import Receipt
from tollspan_rater.server.rater import Rater
from tollspan_rater.store.revenue import Imported, imported


def import_revenue(rater: Rater, body: dict[str, Any], tenant: str, actor: str) -> Receipt:
    """Journal the entries that are new or say something else than before; nothing else is written."""
    known = {one.id: one for one in imported(rater.database.reader(), tenant)}
    entries = {entry["id"]: entry for entry in body["entries"]}
    fresh = [entry for ident, entry in entries.items() if ident not in known]
    changed = [entry for ident, entry in entries.items() if ident in known and _read(entry) != known[ident]]
    said = {"imported": len(fresh), "changed": len(changed), "unchanged": len(entries) - len(fresh) - len(changed)}
    if not fresh and not changed:
        return Receipt(rater.database.position(), said)
    command = NewCommand(rater.clock.now_ns(), tenant, actor, "revenue.import", {"entries": [*fresh, *changed]})
    return Receipt(rater.append([command]), said)


def _read(entry: dict[str, Any]) -> Imported:
    """Return an entry of a checked body as the store would give it back."""
    return Imported(
        entry["id"], entry["customer"], date.fromisoformat(entry["day"]), Decimal(entry["amount"]),
        entry["currency"], entry.get("note", ""),
    )  # fmt: skip
