"""The audit: is anything missing or counted twice? Every equation shows both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from tollspan_rater.query import balance, booked_balance, equations, senders
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.check import Check
from tollspan_rater.query.correction_balance import of_corrections
from tollspan_rater.query.export_balance import of_exports
from tollspan_rater.query.recount import recounted
from tollspan_rater.query.scope import Scope
from tollspan_rater.store.folder import Folder

COLUMNS: Final = ("equation", "left", "right", "difference", "holds", "terms")
_EQUATIONS: Final[tuple[Callable[[Scope], Iterator[Check]], ...]] = (
    equations.of_positions,
    equations.of_pieces,
    equations.of_spans,
    equations.of_speaking_spans,
    equations.of_legs,
    equations.of_evidence,
    of_corrections,
    balance.of_usage_and_money,
    booked_balance.of_ledger,
    of_exports,
    senders.of_sequences,
)


def audit(scope: Scope, params: Mapping[str, str], folder: Folder) -> Answer:
    """Answer: the equations of one tenant with their numbers; ``ok`` is False as soon as one does not hold."""
    if "sender" in params:
        return senders.gaps(scope, params["sender"])
    if "senders" in params:
        return senders.all_gaps(scope)
    found = [check for make in _EQUATIONS for check in make(scope)]
    if "full" in params:
        found.extend(recounted(scope, folder))
    rows = [check.row() for check in found]
    ok = all(row["holds"] for row in rows)
    notes = ["every equation holds" if ok else "a difference: tollspan explain TRACE shows the fate of each piece"]
    if "full" not in params:
        notes.append("tollspan audit --full counts again from the journal's bytes")
    return Answer("Audit", COLUMNS, rows, scope.as_of, scope.zone, notes, ok=ok)
