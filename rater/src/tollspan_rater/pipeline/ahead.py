"""The journal read ahead of the writer: batches become pages while earlier ones are written."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from tollspan_rater.domain.entries import Batch, Command, Entry
from tollspan_rater.pipeline.page import Page

STEP_ENTRIES: Final = 256
STEP_BYTES: Final = 8 << 20
AHEAD_STEPS: Final = 2
PAGE_BYTES: Final = 256 << 10  # of requests in one page: enough that its columns cost little a span
NEW_RULES: Final = "meters.apply"  # what is read behind such a command is read by other rules

Pending = Callable[[], Page]  # gives the page, after waiting for it if need be
Submit = Callable[[Sequence[Batch]], Pending]


class JournalReads(Protocol):
    """What the writer needs of the journal."""

    def read(self, after: int, *, max_entries: int, max_bytes: int) -> list[Entry]:
        """Return the entries after a position, in order."""
        ...


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A command, or batches that follow each other and what gives their page."""

    entries: Sequence[Entry]
    size: int
    pending: Pending | None


class Ahead:
    """Gives the entries after a position in the journal's order, a step of batches or one command at a time.

    Nothing is read behind a command that changes the span rules before it was taken and the next step begins, for
    what pages hold depends on the rules in force.

    Args:
        journal: where they are read.
        submit: hands batches to whoever makes their page, and returns at once.
    """

    def __init__(self, journal: JournalReads, submit: Submit) -> None:
        self._journal = journal
        self._submit = submit
        self._waiting: deque[_Waiting] = deque()
        self._waiting_entries = self._waiting_bytes = 0

    def oldest(self, position: int, most: int) -> Entry | None:
        """Return the entry after a position, None at the journal's end; reads ahead.

        ``most`` is how many entries may be taken now; what was read ahead in larger pieces is read anew.
        """
        if self._waiting:
            first = self._waiting[0].entries
            if first[0].position != position + 1 or len(first) > most:
                self._waiting.clear()
                self._waiting_entries = self._waiting_bytes = 0
        self._fill(position, most)
        return self._waiting[0].entries[0] if self._waiting else None

    def take_command(self) -> Command:
        """Take the oldest entry, which is a command."""
        entry = self._waiting[0].entries[0]
        if not isinstance(entry, Command):
            raise TypeError(f"the entry at {entry.position} is a batch")
        self._taken()
        return entry

    def take_pages(self, most: int) -> list[Page]:
        """Take the leading batches as pages, at most ``most`` and a step's bytes; none before a command."""
        pages = []
        for page in self._pages(most):
            pages.append(page)
            self._taken()
        return pages

    def _pages(self, most: int) -> Iterator[Page]:
        size = taken = 0
        while self._waiting:
            first = self._waiting[0]
            if first.pending is None:
                return
            size += first.size
            if taken + len(first.entries) > most or (taken and size > STEP_BYTES):
                return
            taken += len(first.entries)
            yield first.pending()

    def _taken(self) -> None:
        gone = self._waiting.popleft()
        self._waiting_entries -= len(gone.entries)
        self._waiting_bytes -= gone.size

    def _fill(self, position: int, most: int) -> None:
        after = self._waiting[-1].entries[-1].position if self._waiting else position
        while (
            not self._at_new_rules()
            and self._waiting_bytes < AHEAD_STEPS * STEP_BYTES
            and self._waiting_entries < AHEAD_STEPS * STEP_ENTRIES
        ):
            at_once = STEP_ENTRIES if self._waiting else most
            entries = self._journal.read(after, max_entries=at_once, max_bytes=STEP_BYTES)
            if not entries:
                return
            for part in _parts(entries):
                self._wait_for(part)
                if self._at_new_rules():
                    return
            after = entries[-1].position

    def _at_new_rules(self) -> bool:
        last = self._waiting[-1].entries[-1] if self._waiting else None
        return isinstance(last, Command) and last.kind == NEW_RULES

    def _wait_for(self, part: Command | list[Batch]) -> None:
        if isinstance(part, Command):
            waiting = _Waiting((part,), 0, None)
        else:
            waiting = _Waiting(part, sum(len(batch.body) for batch in part), self._submit(part))
        self._waiting.append(waiting)
        self._waiting_entries += len(waiting.entries)
        self._waiting_bytes += waiting.size


def _parts(entries: Iterable[Entry]) -> Iterator[Command | list[Batch]]:
    """Cut entries into commands and runs of batches, each run as large as one page may be."""
    run: list[Batch] = []
    size = 0
    for entry in entries:
        if run and (isinstance(entry, Command) or size >= PAGE_BYTES):
            yield run
            run, size = [], 0
        if isinstance(entry, Command):
            yield entry
        else:
            run.append(entry)
            size += len(entry.body)
    if run:
        yield run
