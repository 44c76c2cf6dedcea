"""The owner of a data folder: journal, store, the writer between them, and the questions on top."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

from tollspan_rater.api.keys import key_id_of, matches
from tollspan_rater.config.model import Config
from tollspan_rater.config.sources import Resolved
from tollspan_rater.domain.clock import Clock
from tollspan_rater.domain.entries import Batch, NewBatch, NewEntry
from tollspan_rater.domain.identity import Identity
from tollspan_rater.domain.span import Piece
from tollspan_rater.errors import JournalGapError, StoreDamagedError
from tollspan_rater.ingest.commit import GroupCommit
from tollspan_rater.ingest.journal import Journal
from tollspan_rater.pipeline.page import page_of
from tollspan_rater.pipeline.reading import Reader
from tollspan_rater.pipeline.subjects import Subjects
from tollspan_rater.pipeline.writer import Writer
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.ask import Asker
from tollspan_rater.query.moment import wanted_position
from tollspan_rater.query.rater import Receipt
from tollspan_rater.server.exports import ExportLocks
from tollspan_rater.server.meaning import MEANING, reader
from tollspan_rater.server.opening import open_store
from tollspan_rater.server.rebuilding import rebuild_store
from tollspan_rater.server.workers import Workers
from tollspan_rater.store import state
from tollspan_rater.store.database import Database
from tollspan_rater.store.day_sums import DaySums
from tollspan_rater.store.folder import Folder
from tollspan_rater.store.names import Names
from tollspan_rater.trace_out.trace_out import TraceOut

log = logging.getLogger("tollspan")

EXPORTS: Final = "export."  # questions whose answer needs a target and its mapping
FRESH_S: Final = 2.0  # an answer waits this long for what is durable already
APPLIED_S: Final = 60.0  # a command is applied within this, or its receipt says that it will be


class Rater:
    """Everything that works on one data folder, whose lock the caller holds."""

    def __init__(self, folder: Folder, resolved: Resolved, clock: Clock) -> None:
        self.folder = folder
        self.resolved = resolved
        self.clock = clock
        self.journal = Journal(folder.journal, clock)
        self.database = open_store(folder)
        self.names = Names(folder)
        subjects = Subjects(self.names)
        reads = reader(subjects)
        self._workers = self._workers_for(reads, subjects)
        self.writer = Writer(self.journal, self.database, reads, MEANING, subjects.flush, self._workers.submit)
        self.commit = GroupCommit(self.journal, lambda _position: self.writer.wake())
        self.day_sums = DaySums(self.database)
        self.asker = Asker(self.database, self.names, resolved, folder, clock, self._pieces_at, self.day_sums)
        self.trace_out: TraceOut | None = None  # what tells traces of money, while it serves and one is configured
        self.caring = threading.RLock()  # snapshot, rebuild, backup and forget: one at a time
        self.export_locks = ExportLocks()
        self.closing = threading.Lock()  # one close at a time: each builds on what the one before it booked
        self._keys: tuple[int, dict[str, state.Key]] = (-1, {})
        self._thread = threading.Thread(target=self.writer.run, name="tollspan-writer", daemon=True)

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self.resolved.config

    def start(self) -> None:
        """Catch up with the journal, then follow it; a store in which damage shows only now is made again."""
        try:
            self.writer.catch_up()
        except StoreDamagedError as error:
            log.warning("%s It is made again now.", error)
            rebuild_store(self)
        self._thread.start()

    def close(self) -> None:
        """Make durable what waits, end the writer, close the files; what is journaled and not applied stays so."""
        self.commit.close()
        self.writer.stop()
        self._thread.join()
        self._workers.close()
        self.database.close()
        self.names.close()
        self.journal.close()

    def ask(self, question: str, params: Mapping[str, str], *, tenant: str) -> Answer:
        """Answer a question about everything that is durable at its beginning, or as far as it asks for that."""
        self.writer.wait_for(wanted_position(params.get("as_of"), self.journal.last_position), FRESH_S)
        if question.startswith(EXPORTS):
            from tollspan_rater.server.export_answers import answer  # noqa: PLC0415 - it needs the rater's type

            return answer(self, question, params, tenant=tenant)
        return self.asker.ask(question, params, tenant=tenant)

    def execute(self, kind: str, body: Mapping[str, Any], *, tenant: str, actor: str) -> Receipt:
        """Make a command durable, apply it, and return."""
        from tollspan_rater.server.commands import execute  # noqa: PLC0415 - commands need the rater's type

        return execute(self, kind, body, tenant=tenant, actor=actor)

    def import_stream(self, stream: BinaryIO, *, name: str, tenant: str, actor: str) -> Receipt:
        """Read one OTLP file to its end through the pipeline."""
        from tollspan_rater.server.importing import import_stream  # noqa: PLC0415 - it needs the rater's type

        return import_stream(self, stream, name=name, tenant=tenant, actor=actor)

    def append(self, entries: list[NewEntry]) -> int:
        """Journal entries, wait until the store has them, and return the last position."""
        futures = [self.commit.submit(entry) for entry in entries]
        position = max(future.result() for future in futures)
        self.writer.wait_for(position, APPLIED_S)
        return position

    @contextmanager
    def writing_to(self, database: Database) -> Iterator[Writer]:
        """Give a writer that brings a store to the journal's end, with processes of its own that read for it."""
        subjects = Subjects(self.names)
        reads = reader(subjects)
        workers = self._workers_for(reads, subjects)
        try:
            yield Writer(self.journal, database, reads, MEANING, subjects.flush, workers.submit)
        finally:
            workers.close()

    def submit(self, batch: NewBatch) -> Future[int]:
        """Hand over a batch; its future gives the position once it is durable."""
        return self.commit.submit(batch)

    def authenticate(self, token: str | None) -> Identity | None:
        """Return who a token belongs to."""
        key_id = None if token is None else key_id_of(token)
        if token is None or key_id is None:
            return None
        key = self._known_keys().get(key_id)
        if key is None or key.revoked or not matches(token, key.hash):
            return None
        return Identity(key.tenant, key.key_id, frozenset(key.scopes), key.customer)

    def has_keys(self) -> bool:
        """Whether any key is valid: from then on senders need one."""
        return any(not key.revoked for key in self._known_keys().values())

    def trouble(self) -> str | None:
        """Say why spans cannot be taken now; None when all is well."""
        if self.writer.failure is not None:
            return f"the store is behind: {self.writer.failure}"
        free = shutil.disk_usage(self.folder.path).free
        if free < self.config.pressure.min_free_disk:
            return f"only {free} bytes are free on the disk of the data folder"
        lag_s = self.writer.lag_s(self.clock.now_ns())
        if lag_s > self.config.pressure.max_lag:
            return f"the store is {lag_s} s behind the journal"
        return None

    def _pieces_at(self, position: int) -> list[Piece] | None:
        """Read the pieces of a request again from the journal; None when its day is gone."""
        try:
            [entry] = self.journal.read(position - 1, max_entries=1, max_bytes=1)
        except JournalGapError:
            return None
        return reader(Subjects(self.names)).under(self.writer.rules).decode(entry) if isinstance(entry, Batch) else []

    def _workers_for(self, reads: Reader, subjects: Subjects) -> Workers:
        return Workers(
            _workers_wanted(self.config),
            self.names.subject_key,
            lambda batches, rules: page_of(batches, reads.under(rules).read, MEANING.settle, MEANING.link_of),
            subjects.learn,
        )

    def _known_keys(self) -> dict[str, state.Key]:
        position = self.writer.keys_changed_at
        if self._keys[0] != position:
            with self.database.looking_up() as connection:
                self._keys = (position, {key.key_id: key for key in state.keys(connection)})
        return self._keys[1]


def _workers_wanted(config: Config) -> int:
    return (os.cpu_count() or 1) if config.workers is None else config.workers
