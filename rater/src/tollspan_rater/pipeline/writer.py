"""The one writer: follows the journal and brings the store to its end, step by step."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import pyarrow as pa

from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.correction import Correction
from tollspan_rater.domain.entries import Batch, Command, Entry
from tollspan_rater.errors import StoreDeadError, TollspanError
from tollspan_rater.extract.span_rule import RulesByTenant, SpanRules
from tollspan_rater.pipeline.ahead import NEW_RULES, STEP_ENTRIES, Ahead, JournalReads, Pending
from tollspan_rater.pipeline.batches import Meaning, apply_readings, isolated, sorted_pages
from tollspan_rater.pipeline.changes import Changes
from tollspan_rater.pipeline.commands import REPLAY, apply_command
from tollspan_rater.pipeline.correcting import corrections_in
from tollspan_rater.pipeline.memory import Memory
from tollspan_rater.pipeline.page import Page, page_of
from tollspan_rater.pipeline.reading import Reader, Reading, fault_text
from tollspan_rater.pipeline.replay import replayed
from tollspan_rater.pipeline.rereading import REEXTRACT, rereadings
from tollspan_rater.store import state
from tollspan_rater.store.database import Database

MakePage = Callable[[Sequence[Batch], RulesByTenant], Pending]  # has batches read by some rules, and returns at once

RETRY_S: Final = 1.0

Readings = Callable[[Command, Database, Reader, Callable[[str], Extracted]], list[Reading]]
_READINGS: Final[Mapping[str, Readings]] = {REPLAY: replayed, REEXTRACT: rereadings}


class Writer:
    """Applies journal entries to the store; the only one that appends to it.

    ``step`` may be called directly (commands that open the folder, tests), or ``run`` in a thread. After a
    database failure the store is reopened and its own position tells where to go on.
    """

    def __init__(
        self,
        journal: JournalReads,
        database: Database,
        reader: Reader,
        meaning: Meaning,
        before_append: Callable[[], None] = lambda: None,
        submit: MakePage | None = None,
    ) -> None:
        """Bind the parts.

        Args:
            journal: what to follow.
            database: what to bring to the journal's end.
            reader: reads batches, and pieces that are replayed.
            meaning: what spans mean together.
            before_append: called before each transaction.
            submit: hands batches to another process that makes their page; by default it is made here, at its turn.
        """
        self._submit = submit or self._here
        self._ahead = Ahead(journal, lambda batches: self._submit(batches, self._rules))
        self._database = database
        self._rules = self._rules_in_force()
        self._reader = reader
        self._meaning = meaning
        self._before_append = before_append
        self._memory = Memory()
        self._position = database.position()
        self._moved = threading.Condition()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._stepping = threading.RLock()
        self._front_ns: int | None = None  # when the oldest entry that is not applied was received
        self.keys_changed_at = 0
        self.failure: str | None = None

    @property
    def position(self) -> int:
        """The journal position up to which the store has come."""
        return self._position

    @property
    def rules(self) -> RulesByTenant:
        """Each tenant's span rules for the entries after :attr:`position`."""
        return self._rules

    def lag_s(self, now_ns: int) -> int:
        """Return for how many seconds the store has been behind the journal; 0 when it is not."""
        front_ns = self._front_ns
        return 0 if front_ns is None else max(0, now_ns - front_ns) // 1_000_000_000

    def wake(self) -> None:
        """Say that the journal has grown."""
        self._wake.set()

    def stop(self) -> None:
        """Let ``run`` return after the step at hand."""
        self._stop.set()
        self._wake.set()

    def wait_for(self, position: int, timeout_s: float) -> bool:
        """Wait until the store has come to a position; False when the time is over before that."""
        with self._moved:
            return self._moved.wait_for(lambda: self._position >= position, timeout_s)

    def run(self) -> None:
        """Follow the journal until :meth:`stop`; failures of disk and database are retried, never skipped."""
        while not self._stop.is_set():
            self._wake.clear()
            try:
                idle = self.step() == 0
            except StoreDeadError as error:
                self.failure = str(error)
                self._stop.wait(RETRY_S)
                self._recover()
                continue
            except Exception as error:  # noqa: BLE001 - the writer must stay: the doors refuse while it is stuck
                self.failure = str(error) if isinstance(error, TollspanError) else fault_text(error)
                self._stop.wait(RETRY_S)
                continue
            self.failure = None
            if idle:
                self._wake.wait(RETRY_S)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Keep the writer's thread still while the store is exchanged; afterwards the store's own position holds."""
        with self._stepping:
            self._memory.forget()
            yield
            self._rules = self._rules_in_force()
            self._move_to(self._database.position(), keys=True)

    def catch_up(self, until: int | None = None) -> None:
        """Apply everything that the journal holds, or what it holds up to the position ``until``."""
        while self.step(until):
            pass

    def step(self, until: int | None = None) -> int:
        """Apply the next entries in one transaction; return how many, 0 at the journal's end or at ``until``."""
        with self._stepping:
            return self._step(STEP_ENTRIES if until is None else min(STEP_ENTRIES, until - self._position))

    def _step(self, most: int) -> int:
        self._database.require_alive()  # also with nothing to apply: a question or a checkpoint may have killed it
        if most <= 0:
            return 0
        oldest = self._ahead.oldest(self._position, most)
        self._front_ns = None if oldest is None else _time_of(oldest)
        if oldest is None:
            return 0
        if isinstance(oldest, Batch):
            pages = self._ahead.take_pages(most)
            last = pages[-1].batches[-1].position
            self._append(self._tables_of(pages), last)
            return last - oldest.position + 1
        self.apply(self._ahead.take_command())
        return 1

    def apply(self, command: Command) -> None:
        """Apply one command that follows the store's position."""
        rules = self._rules
        if command.kind == NEW_RULES:
            rules = {**rules, command.tenant: SpanRules.from_body(command.body["rules"])}
        self._append(self._tables_of_command(command), command.position, keys=command.kind.startswith("key."))
        self._rules = rules

    def _here(self, batches: Sequence[Batch], rules: RulesByTenant) -> Pending:
        reader = self._reader.under(rules)
        return lambda: page_of(batches, reader.read, self._meaning.settle, self._meaning.link_of)

    def _rules_in_force(self) -> RulesByTenant:
        """Return each tenant's span rules as of the store's position, which is what they are to be for what follows."""
        with self._database.looking_up() as connection:
            applied = state.span_rules(connection)
        return {one.tenant: SpanRules.from_body(one.body["rules"]) for one in applied}

    def _tables_of(self, pages: Sequence[Page]) -> Mapping[str, pa.Table]:
        found = sorted_pages(pages, self._database, self._meaning)

        def note(changes: Changes) -> None:
            changes.ready = {"spans": found.spans, "legs": found.legs}
            for page in pages:
                for batch, pieces in zip(page.batches, page.pieces, strict=True):
                    changes.entry(batch, pieces)

        return self._tables_with(found.readings, note)

    def _tables_of_command(self, command: Command) -> Mapping[str, pa.Table]:
        find = _READINGS.get(command.kind)
        reader = self._reader.under(self._rules)
        readings = [] if find is None else find(command, self._database, reader, self._meaning.from_evidence)
        corrections = corrections_in(command)

        def note(changes: Changes) -> None:
            apply_command(command, changes)
            changes.entry(command, 0)

        if corrections:
            return self._noted(readings, note, corrections)
        return self._tables_with(readings, note)

    def _tables_with(self, readings: Sequence[Reading], note: Callable[[Changes], None]) -> Mapping[str, pa.Table]:
        try:
            return self._noted(readings, note)
        except StoreDeadError:
            raise
        except Exception:  # noqa: BLE001 - a poisoned step: set aside the pieces at fault, keep the rest
            return self._noted(isolated(readings, self._database, self._meaning), note)

    def _noted(
        self, readings: Sequence[Reading], note: Callable[[Changes], None], corrections: Sequence[Correction] = ()
    ) -> Mapping[str, pa.Table]:
        changes = apply_readings(readings, self._database, self._meaning, self._memory, corrections)
        note(changes)
        return changes.tables()

    def _append(self, tables: Mapping[str, pa.Table], position: int, *, keys: bool = False) -> None:
        self._before_append()
        self._database.append(tables)
        self._memory.commit()
        self._move_to(position, keys=keys)

    def _move_to(self, position: int, *, keys: bool) -> None:
        """Say how far the store has come; whoever waited for a key's command must find the key in force."""
        with self._moved:
            if keys:
                self.keys_changed_at = position
            self._position = position
            self._moved.notify_all()

    def _recover(self) -> None:
        """Reopen a dead store; an error of COMMIT may have committed, so its own position holds."""
        with self._stepping:
            self._memory.forget()
            try:
                self._database.reopen()
                position = self._database.position()
                self._rules = self._rules_in_force()
            except Exception as error:  # noqa: BLE001 - disk still full or broken: stay refused, try again later
                self.failure = fault_text(error)
                return
            self._move_to(position, keys=True)


def _time_of(entry: Entry) -> int:
    return entry.received_ns if isinstance(entry, Batch) else entry.at_ns
