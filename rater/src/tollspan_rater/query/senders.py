"""What each sending process lost on the way: gaps in its sequence numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.scope import Scope

_SHOWN: Final = 20


def gaps(scope: Scope, sender: str) -> Answer:
    """Answer: each process of a sender with its highest number, the distinct ones received, and the gaps."""
    rows = scope.connection.execute(
        "SELECT process_id, max(seq), count(DISTINCT seq), list(DISTINCT seq ORDER BY seq) FROM spans "
        "WHERE tenant = ? AND seq IS NOT NULL AND (sender = ? OR process_id = ?) "
        "GROUP BY process_id ORDER BY process_id",
        [scope.accounts.tenant, sender, sender],
    ).fetchall()
    found: list[dict[str, Cell]] = []
    for process_id, highest, seen, numbers in rows:
        missing = list(_missing(numbers))
        found.append(
            {
                "process_id": process_id,
                "highest_seq": highest,
                "received": seen,
                "missing": highest - seen,
                "gaps": missing[:_SHOWN],
            }
        )
    lost = sum(int(str(row["missing"])) for row in found)
    notes = [f"{lost} records never reached us" if lost else "nothing is missing up to the highest number seen"]
    return Answer(
        f"Sender {sender}",
        ("process_id", "highest_seq", "received", "missing", "gaps"),
        found,
        scope.as_of,
        notes=notes,
        ok=not lost,
    )


def _missing(numbers: Iterable[int]) -> Iterable[str]:
    """Yield the gaps before each number as ``first-last``; a process begins at 1."""
    expected = 1
    for number in numbers:
        if number > expected:
            yield str(expected) if number == expected + 1 else f"{expected}-{number - 1}"
        expected = number + 1
