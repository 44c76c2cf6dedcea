"""Group commit: all entries that wait share one fsync."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from tollspan_rater.domain.entries import NewEntry
from tollspan_rater.errors import JournalClosedError, JournalError, OverloadedError
from tollspan_rater.ingest.journal import Journal
from tollspan_rater.ingest.journal_row import Row, pack

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CommitLimits:
    """``waiting_bytes`` bounds what may wait, the others what goes into one transaction; bytes are compressed."""

    waiting_bytes: int = 128 << 20
    commit_bytes: int = 16 << 20
    commit_entries: int = 1024


@dataclass(frozen=True, slots=True)
class _Waiting:
    row: Row
    future: Future[int] = field(default_factory=Future)

    @property
    def size(self) -> int:
        return len(self.row.body) + len(self.row.tenant) + len(self.row.origin) + len(self.row.form)


class GroupCommit:
    """Writes entries of many threads through one, as many in a transaction as wait.

    Args:
        journal: where they go; no one else appends to it.
        on_commit: called with the last durable position after each transaction, from the writing thread; it wakes
            whoever reads the journal, quickly.
        limits: bounds of memory and of one transaction.
    """

    def __init__(
        self,
        journal: Journal,
        on_commit: Callable[[int], None] = lambda _: None,
        limits: CommitLimits | None = None,
    ) -> None:
        self._journal = journal
        self._on_commit = on_commit
        self._limits = limits or CommitLimits()
        self._wake = threading.Condition()
        self._queue: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="tollspan-journal", daemon=True)
        self._thread.start()

    @property
    def waiting_bytes(self) -> int:
        """The compressed bytes that are not durable yet."""
        return self._waiting_bytes

    def submit(self, entry: NewEntry) -> Future[int]:
        """Hand over an entry; the future gives its position once it is durable, or raises JournalError.

        A submitted entry cannot be taken back: cancelling the future has no effect.

        Raises:
            OverloadedError: when too many bytes wait already; nothing was taken.
            JournalClosedError: after ``close``.
        """
        waiting = _Waiting(pack(entry))
        waiting.future.set_running_or_notify_cancel()
        with self._wake:
            if self._closing:
                raise JournalClosedError
            if self._waiting_bytes and self._waiting_bytes + waiting.size > self._limits.waiting_bytes:
                raise OverloadedError(self._waiting_bytes, self._limits.waiting_bytes)
            self._waiting_bytes += waiting.size
            self._queue.append(waiting)
            self._wake.notify()
        return waiting.future

    def close(self) -> None:
        """Write what waits, then end the thread; later entries are refused. The journal stays open."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while group := self._take():
            try:
                positions = self._journal.append_rows([waiting.row for waiting in group])
            except Exception as error:  # noqa: BLE001  whatever it is, those who wait must hear of it, and the thread goes on
                _fail(group, error)
            else:
                for waiting, position in zip(group, positions, strict=True):
                    waiting.future.set_result(position)
                self._tell(positions[-1])
            finally:
                with self._wake:
                    self._waiting_bytes -= sum(waiting.size for waiting in group)

    def _tell(self, position: int) -> None:
        try:
            self._on_commit(position)
        except Exception:  # noqa: BLE001  a bug in the listener must not stop the journal
            _log.exception("the listener failed at position %d; the entries are safe, the journal goes on", position)

    def _take(self) -> list[_Waiting]:
        """Wait for entries and take as many as fit into one transaction; none are left once it returns empty."""
        group: list[_Waiting] = []
        size = 0
        with self._wake:
            self._wake.wait_for(lambda: self._queue or self._closing)
            while self._queue and len(group) < self._limits.commit_entries:
                size += self._queue[0].size
                if group and size > self._limits.commit_bytes:
                    break
                group.append(self._queue.popleft())
        return group


def _fail(group: list[_Waiting], cause: Exception) -> None:
    """Give every waiting thread an error of its own; one shared exception would mix their tracebacks."""
    for waiting in group:
        error = JournalError(str(cause))
        error.__cause__ = cause
        waiting.future.set_exception(error)
