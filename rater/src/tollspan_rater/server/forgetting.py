"""Forgetting a person: the name goes for good, every total stays.

Names live in the table of names, in the journal's requests as they were received, and in what quarantine keeps of
unreadable requests; so snapshots may hold the latter, too. The table comes last: until then an interrupted run can
be repeated, by name or by subject id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import duckdb

from tollspan_rater import failpoints
from tollspan_rater.domain.entries import Batch, NewCommand
from tollspan_rater.errors import NotFoundError
from tollspan_rater.ingest.redaction import Redaction
from tollspan_rater.query.rater import Receipt
from tollspan_rater.server.care import APPLIED_S
from tollspan_rater.server.opening import close_whole, empty_aside
from tollspan_rater.store import snapshot
from tollspan_rater.store.paged import paged
from tollspan_rater.store.tables import SCHEMAS, table

if TYPE_CHECKING:
    from tollspan_rater.server.rater import Rater

_ROWS: Final = 1_000
_QUARANTINE: Final = SCHEMAS["quarantine"].names
_TENANT, _REASON, _ERROR, _RAW = (_QUARANTINE.index(name) for name in ("tenant", "reason", "error", "raw"))

Row = tuple[Any, ...]


def forget(rater: Rater, body: dict[str, Any], tenant: str, actor: str) -> Receipt:
    """Remove the name of a user (by name or subject id) or of a customer (by id) from everything in the folder.

    May be repeated: what a sender that was not told sent meanwhile is then removed, too.
    """
    said = body["subject"]
    user = rater.names.known_id(tenant, said)
    subject = user or rater.names.known_id(tenant, said, kind="customer")
    if subject is None:
        raise NotFoundError("subject", said, "tollspan usage --by user shows names and ids.")
    with rater.caring:
        position = rater.append([NewCommand(rater.clock.now_ns(), tenant, actor, "forget", {"subject": subject})])
        if user is None:
            rater.names.forget(tenant, subject, kind="customer")
            return Receipt(position, {"subject": subject})
        name = rater.names.name_of(tenant, [user]).get(user, said)
        counted = _Forgetting(rater, tenant, name, user).run() if name != user else {}
        rater.names.forget(tenant, user)
    return Receipt(position, {"subject": subject, **counted})


class _Forgetting:
    """One run over journal, store and snapshots, once the store has applied all that is to be changed."""

    def __init__(self, rater: Rater, tenant: str, name: str, subject: str) -> None:
        self._rater, self._tenant = rater, tenant
        self._redaction = Redaction(name, subject)
        self._word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
        self._subject = subject
        self._left = 0

    def run(self) -> dict[str, int]:
        """Redact everything; count the changed requests, and those in which the name still stands as another word."""
        self._rater.writer.wait_for(self._rater.journal.last_position, APPLIED_S)
        changed = self._rater.journal.rewrite(self._batch, thorough=self._is_repeated())
        if self._is_quarantined():
            self._redact_store()
            self._redact_snapshots()
        return {"requests_changed": changed, "requests_with_other_mentions": self._left}

    def _is_repeated(self) -> bool:
        ((times,),) = (
            self._rater.database.reader()
            .execute("SELECT count(*) FROM forgotten WHERE tenant = ? AND subject = ?", [self._tenant, self._subject])
            .fetchall()
        )
        return int(times) > 1

    def _batch(self, batch: Batch) -> bytes:
        if batch.tenant != self._tenant:
            return batch.body
        body = self._redaction.body(batch.body, batch.encoding)
        self._left += self._redaction.stands_in(body)
        return body

    def _is_quarantined(self) -> bool:
        connection = self._rater.database.reader()
        return any(row != self._row(row) for rows in _quarantine(connection) for row in rows)

    def _row(self, row: Row) -> Row:
        if row[_TENANT] != self._tenant:
            return row
        raw = self._redaction.kept(row[_RAW], marked=row[_REASON] == "undecodable")
        error = self._word.sub(self._subject, row[_ERROR])
        return (*row[:_ERROR], error, *row[_ERROR + 1 : _RAW], raw, *row[_RAW + 1 :])

    def _redact_store(self) -> None:
        """Write the store anew: DuckDB keeps deleted rows in free pages and in its log."""
        with self._rater.writer.paused():
            made = empty_aside(self._rater.folder)
            with self._rater.database.snapshot() as connection:
                made.append_from(connection, [name for name in SCHEMAS if name != "quarantine"])
                for rows in _quarantine(connection):
                    made.append({"quarantine": table("quarantine", [self._row(row) for row in rows])})
            close_whole(made)
            self._rater.database.replace_with(made.path)

    def _redact_snapshots(self) -> None:
        folder = self._rater.folder.snapshots
        if snapshot.latest(folder) is not None:
            snapshot.take(self._rater.database, folder, failpoints.hit, taken_ns=self._rater.clock.now_ns())
            snapshot.prune(folder, keep=1)


def _quarantine(connection: duckdb.DuckDBPyConnection) -> Iterator[list[Row]]:
    query = f"SELECT {', '.join(_QUARANTINE)} FROM quarantine"  # noqa: S608 - our names
    return paged(connection, query, [], _ROWS)
