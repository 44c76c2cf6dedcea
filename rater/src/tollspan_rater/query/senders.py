"""What each sending process lost on the way: gaps in its sequence numbers, which begin at 1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from tollspan.semconv import PROCESS_ENDED
from tollspan_rater.domain.fates import Role
from tollspan_rater.errors import NotFoundError
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.check import Check
from tollspan_rater.query.scope import Scope

_SHOWN: Final = 20
# A gap lies before a number whose predecessor is missing. Records are counted by span key, not by number: two
# records under one number, or a number below 1, break the equation. What is told of a killed process is no record: it
# is known by its trace id, and its number is the highest that the process would have given out.
_PROCESSES: Final = f"""
    WITH numbers AS (
        SELECT process_id, seq, count(DISTINCT trace_id || ':' || span_id) AS records FROM spans
        WHERE tenant = $tenant AND seq IS NOT NULL
          AND NOT (role = '{Role.NONE}'
                   AND starts_with(sha256('{PROCESS_ENDED} ' || process_id || ' ' || seq), trace_id))
        GROUP BY ALL
        UNION ALL
        SELECT process_id, max(seq) + 1, 0 FROM spans WHERE tenant = $tenant AND seq IS NOT NULL GROUP BY ALL
    ),
    placed AS (
        SELECT *, coalesce(lag(seq) OVER (PARTITION BY process_id ORDER BY seq, records DESC), 0) AS before FROM numbers
    )
    SELECT process_id, max(seq) - 1, sum(records)::BIGINT,
           coalesce(sum(seq - before - 1) FILTER (WHERE seq > before + 1), 0),
           list((before + 1, seq - 1) ORDER BY seq) FILTER (WHERE seq > before + 1)
    FROM placed GROUP BY process_id ORDER BY process_id
"""  # noqa: S608 - our text
_OF_SENDER: Final = """
    SELECT DISTINCT process_id FROM spans
    WHERE tenant = $tenant AND seq IS NOT NULL AND (sender = $sender OR process_id = $sender)
"""


def of_sequences(scope: Scope) -> Iterator[Check]:
    """What the processes numbered is what we received and what is listed as lost on the way."""
    found = _processes(scope)
    highest, received, missing = (sum(int(row[place]) for row in found) for place in (1, 2, 3))
    lossy = sum(1 for row in found if row[3])
    yield Check(
        "highest seq of each sending process = records received + gaps",
        Decimal(highest),
        Decimal(received + missing),
        f"{len(found)} processes, received {received}, {missing} records lost before they reached us"
        + (f", by {lossy} processes: tollspan audit --sender PROCESS" if lossy else ""),
    )


def lost(scope: Scope) -> int:
    """Return how many records of all sending processes never reached us."""
    return sum(int(row[3]) for row in _processes(scope))


def gaps(scope: Scope, sender: str) -> Answer:
    """Answer: each process that a sender delivered, with its highest number, records received, and gaps.

    Raises:
        NotFoundError: nothing numbered came from this sender or process.
    """
    asked = {"tenant": scope.accounts.tenant, "sender": sender}
    wanted = {row[0] for row in scope.connection.execute(_OF_SENDER, asked).fetchall()}
    if not wanted:
        raise NotFoundError("sender", sender, "Give a process id, or the sender that explain and calls name.")
    return _gaps(scope, f"Sender {sender}", [row for row in _processes(scope) if row[0] in wanted])


def all_gaps(scope: Scope) -> Answer:
    """Answer: the same of every process that numbers its records."""
    return _gaps(scope, "Senders", _processes(scope))


def _gaps(scope: Scope, title: str, found: Sequence[Sequence[Any]]) -> Answer:
    rows: list[dict[str, Cell]] = [
        {
            "process_id": process_id,
            "highest_seq": highest,
            "received": received,
            "missing": int(missing),
            "gaps": [_range(*gap) for gap in _listed(missed)[:_SHOWN]],
        }
        for process_id, highest, received, missing, missed in found
    ]
    lost = sum(int(str(row["missing"])) for row in rows)
    note = f"{lost:,} records never reached us" if lost else "nothing is missing up to the highest number seen"
    columns = ("process_id", "highest_seq", "received", "missing", "gaps")
    return Answer(title, columns, rows, scope.as_of, notes=[note], ok=not lost)


def _processes(scope: Scope) -> list[tuple[Any, ...]]:
    return scope.connection.execute(_PROCESSES, {"tenant": scope.accounts.tenant}).fetchall()


def _listed(missed: Sequence[tuple[int, int]] | None) -> Sequence[tuple[int, int]]:
    return missed or ()


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
