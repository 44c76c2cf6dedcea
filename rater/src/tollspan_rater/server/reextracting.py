"""Reading history again with the tables of this release: a dry run in a transaction, or commands in the journal.

What is booked can be repeated without this release: each command holds the evidence that it brings, and a snapshot
taken before the first one holds what an older release had read, so that a rebuild comes to the same digests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from tollspan_rater.domain.entries import Batch, Command, NewCommand
from tollspan_rater.domain.span import FAR_FUTURE_NS
from tollspan_rater.pipeline.ahead import STEP_BYTES, STEP_ENTRIES
from tollspan_rater.pipeline.rereading import REEXTRACT, reread
from tollspan_rater.pipeline.subjects import Subjects
from tollspan_rater.pipeline.writer import Writer
from tollspan_rater.query.rater import Receipt
from tollspan_rater.query.revisions import revisions
from tollspan_rater.query.selection import instant
from tollspan_rater.server.care import APPLIED_S, take_snapshot
from tollspan_rater.server.meaning import MEANING, reader
from tollspan_rater.store.database import Database

if TYPE_CHECKING:
    from tollspan_rater.server.rater import Rater

FOREVER_NS: Final = (1 << 63) - 1
_LEFT: Final = """
    SELECT count(*) FROM held_spans WHERE tenant = ? AND start_ns >= ? AND start_ns < ? AND position <= ?
"""

Book = Callable[[Mapping[str, Any]], int]  # brings the body of a command into force; returns its position


def reextract(rater: Rater, body: dict[str, Any], tenant: str, actor: str) -> Receipt:
    """Read the spans of a span of time again and book what differs, or only say what would.

    It goes step by step through the journal; a step is whole or not there at all, and repeating an interrupted run
    does the rest. Snapshots, rebuilds and the like wait meanwhile.
    """
    run = _Run(rater, tenant, actor, _span_of(body, rater.config.zone))
    with rater.caring:
        rater.writer.wait_for(rater.journal.last_position, APPLIED_S)
        if body.get("dry_run"):
            with rater.database.trial() as trial, rater.writing_to(trial) as writer:
                found = run.through(trial, run.trying(writer))
        else:
            found = run.through(rater.database, run.booking())
    return Receipt(rater.writer.position, {"booked": not body.get("dry_run"), **found})


class _Run:
    def __init__(self, rater: Rater, tenant: str, actor: str, span_ns: tuple[int, int]) -> None:
        self._rater, self._tenant, self._actor, self._span_ns = rater, tenant, actor, span_ns
        self._subjects = Subjects(rater.names)

    def through(self, database: Database, book: Book) -> dict[str, Any]:
        """Go through the journal; return what was found."""
        read = changed = refused = 0
        positions: list[int] = []
        reads = reader(self._subjects).under(self._rater.writer.rules)
        for batches in self._steps():
            found = reread(batches, self._span_ns, database, reads, MEANING.from_evidence)
            read, refused = read + found.read, refused + found.refused
            if found.changed:
                changed += len(found.changed)
                positions.append(book(found.body()))
        revised = revisions(database.reader(), self._tenant, positions)
        return {
            "spans_read": read,
            "spans_changed": changed,
            "spans_refused": refused,
            "spans_left_the_journal": self._left(database),
            "calls_changed": revised.calls,
            "differences": revised.rows(),
            "sums": revised.sums(),
        }

    def trying(self, writer: Writer) -> Book:
        """Return how to apply a command with the writer of a trial database alone."""

        def book(body: Mapping[str, Any]) -> int:
            position = writer.position + 1
            writer.apply(Command(position, self._rater.clock.now_ns(), self._tenant, self._actor, REEXTRACT, body))
            return position

        return book

    def booking(self) -> Book:
        """Return how to journal a command and wait until it is applied; the first one after a snapshot."""
        is_covered = False

        def book(body: Mapping[str, Any]) -> int:
            nonlocal is_covered
            if not is_covered:
                take_snapshot(self._rater, {"keep_journal": True}, self._tenant, self._actor)
                is_covered = True
            self._subjects.flush()
            now_ns = self._rater.clock.now_ns()
            return self._rater.append([NewCommand(now_ns, self._tenant, self._actor, REEXTRACT, body)])

        return book

    def _steps(self) -> Iterator[list[Batch]]:
        """Yield the tenant's requests in which spans of the time can be, in steps of a bounded size."""
        after, last = self._first() - 1, self._rater.writer.position
        while after < last:
            entries = self._rater.journal.read(after, max_entries=min(STEP_ENTRIES, last - after), max_bytes=STEP_BYTES)
            after = entries[-1].position
            yield [entry for entry in entries if isinstance(entry, Batch) and entry.tenant == self._tenant]

    def _first(self) -> int:
        """Return the first position still in the journal at which a span of the time can have been received."""
        since_ns = self._span_ns[0] - FAR_FUTURE_NS
        query = "SELECT min(position) FROM entries WHERE kind = 'batch' AND at_ns >= ?"
        ((found,),) = self._rater.database.reader().execute(query, [since_ns]).fetchall()
        return max(self._base() + 1, found if found is not None else self._rater.writer.position + 1)

    def _base(self) -> int:
        """Return the last position whose day left the journal."""
        days = self._rater.journal.days()
        return days[0].first - 1 if days else self._rater.journal.last_position

    def _left(self, database: Database) -> int:
        """Return how many spans of the time cannot be read again, for their day left the journal."""
        asked = [self._tenant, *self._span_ns, self._base()]
        ((count,),) = database.reader().execute(_LEFT, asked).fetchall()
        return int(count)


def _span_of(body: Mapping[str, Any], zone: str) -> tuple[int, int]:
    until = body.get("until")
    return instant(body["since"], zone), FOREVER_NS if until is None else instant(until, zone)
