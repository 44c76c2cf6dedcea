"""The journal read ahead of the writer: batches become pages while earlier ones are written."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from tollspan_rater.domain.entries import Batch, Command, Entry
from tollspan_rater.pipeline.page import Page

STEP_ENTRIES: Final = 256
STEP_BYTES: Final = 8 << 20
AHEAD_STEPS: Final = 2
NEW_RULES: Final = "meters.apply"  # what is read behind such a command is read by other rules

Pending = Callable[[], Page]  # gives the page, after waiting for it if need be
Submit = Callable[[Batch], Pending]


class JournalReads(Protocol):
    """What the writer needs of the journal."""

    def read(self, after: int, *, max_entries: int, max_bytes: int) -> list[Entry]:
        """Return the entries after a position, in order."""
        ...


class Ahead:
    """Gives the entries after a position in the journal's order, a step of batches or one command at a time.

    Nothing is read behind a command that changes the span rules before it was taken and the next step begins, for
    what pages hold depends on the rules in force.

    Args:
        journal: where they are read.
        submit: hands a batch to whoever makes its page, and returns at once.
    """

    def __init__(self, journal: JournalReads, submit: Submit) -> None:
        self._journal = journal
        self._submit = submit
        self._waiting: deque[tuple[Entry, Pending | None]] = deque()
        self._waiting_bytes = 0

    def oldest(self, position: int) -> Entry | None:
        """Return the entry after a position, None at the journal's end; reads ahead."""
        if self._waiting and self._waiting[0][0].position != position + 1:
            self._waiting.clear()
            self._waiting_bytes = 0
        self._fill(position)
        return self._waiting[0][0] if self._waiting else None

    def take_command(self) -> Command:
        """Take the oldest entry, which is a command."""
        entry, _ = self._waiting.popleft()
        if not isinstance(entry, Command):
            raise TypeError(f"the entry at {entry.position} is a batch")
        return entry

    def take_pages(self, most: int) -> list[Page]:
        """Take the leading batches as pages, at most ``most`` and a step's bytes; none before a command."""
        pages = []
        for page in self._pages(most):
            pages.append(page)
            self._waiting.popleft()
            self._waiting_bytes -= _size(page.batch)
        return pages

    def _pages(self, most: int) -> Iterator[Page]:
        size = taken = 0
        while self._waiting:
            entry, pending = self._waiting[0]
            if not isinstance(entry, Batch) or pending is None:
                return
            size += len(entry.body)
            if taken == most or (taken and size > STEP_BYTES):
                return
            yield pending()
            taken += 1

    def _fill(self, position: int) -> None:
        after = self._waiting[-1][0].position if self._waiting else position
        while (
            not self._at_new_rules()
            and self._waiting_bytes < AHEAD_STEPS * STEP_BYTES
            and len(self._waiting) < AHEAD_STEPS * STEP_ENTRIES
        ):
            entries = self._journal.read(after, max_entries=STEP_ENTRIES, max_bytes=STEP_BYTES)
            if not entries:
                return
            for entry in entries:
                pending = self._submit(entry) if isinstance(entry, Batch) else None
                self._waiting.append((entry, pending))
                self._waiting_bytes += _size(entry)
                if self._at_new_rules():
                    return
            after = entries[-1].position

    def _at_new_rules(self) -> bool:
        last = self._waiting[-1][0] if self._waiting else None
        return isinstance(last, Command) and last.kind == NEW_RULES


def _size(entry: Entry) -> int:
    return len(entry.body) if isinstance(entry, Batch) else 0
