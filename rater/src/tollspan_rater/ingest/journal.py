"""The journal: every request and every command, in one sequence of positions, durable before it is acknowledged."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tollspan_rater import failpoints
from tollspan_rater.domain.clock import Clock, from_ns
from tollspan_rater.domain.entries import Batch, Entry, NewEntry
from tollspan_rater.errors import (
    DayKeptError,
    JournalClosedError,
    JournalCorruptError,
    JournalDiskError,
    JournalGapError,
)
from tollspan_rater.ingest import journal_day
from tollspan_rater.ingest.journal_day import DayFile
from tollspan_rater.ingest.journal_row import Row, content_size, pack, unpack, with_body


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the journal as it is reported: positions ``first``..``last``, ``last = first - 1`` when empty."""

    date: date
    first: int
    last: int
    path: Path
    bytes: int


@dataclass(frozen=True, slots=True)
class _Extent:
    """What readers may see: replaced as a whole, so that files and last position always belong together."""

    files: tuple[DayFile, ...] = ()
    last: int = 0

    def end_of(self, index: int) -> int:
        """Return the last position in the file at ``index``."""
        return self.files[index + 1].base if index + 1 < len(self.files) else self.last


class Journal:
    """The journal in a folder, one file a UTC day; one process owns it (the data folder's lock).

    One thread appends while another reads. An error of the disk refuses the append it hit and every later one,
    until an append finds the disk well again: it then reopens the files, re-reads the last position from them and
    makes durable what is visible, before it writes. An append that raised may still turn up as entries later (the
    disk may have kept what it reported as failed); an append that returned is never lost.

    Raises:
        JournalDiskError: when the files cannot be opened.
        JournalCorruptError: when a file is damaged or a day in the middle is missing.
        FormatVersionError: when a newer release wrote a file.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._reader: tuple[Path, sqlite3.Connection] | None = None
        self._extent = _Extent()
        self._ready = False
        self._closed = False
        with self._write_lock, self._refusing():
            self._open()

    @property
    def last_position(self) -> int:
        """The newest durable position, 0 when nothing was ever written."""
        return self._extent.last

    def append(self, entries: Sequence[NewEntry]) -> list[int]:
        """Write entries in one transaction and return their positions; all are durable on return, or none counts.

        Raises:
            JournalDiskError: when the disk refuses.
        """
        return self.append_rows([pack(entry) for entry in entries])

    def append_rows(self, rows: Sequence[Row]) -> list[int]:
        """Write entries that were packed before; as ``append``."""
        with self._write_lock, self._refusing():
            if self._closed:
                raise JournalClosedError
            if not rows:
                return []
            if not self._ready:
                self._open()
            writer = self._writer_of_today()
            first = self._extent.last + 1
            journal_day.write(writer, first, rows)
            self._extent = _Extent(self._extent.files, first + len(rows) - 1)
            return list(range(first, first + len(rows)))

    def read(self, after: int, *, max_entries: int, max_bytes: int) -> list[Entry]:
        """Return the entries that follow position ``after``, in order.

        At most ``max_entries``, and bodies of at most ``max_bytes`` together; a first entry larger than that comes
        alone. An empty list means that nothing newer is there.

        Raises:
            JournalGapError: when some of them were deleted with their day.
            JournalCorruptError: for an entry that is not what was written.
            JournalDiskError: when the disk refuses to read; the next read opens the file again.
        """
        found: list[Entry] = []
        size = 0
        with self._read_lock:
            try:
                for position, row in self._rows(after):
                    size += content_size(row)
                    if len(found) == max_entries or (found and size > max_bytes):
                        break
                    found.append(unpack(position, row))
            except JournalDiskError:
                self._close_reader()
                raise
        return found

    def days(self) -> list[Day]:
        """List the days, oldest first, with their positions and bytes on disk."""
        extent = self._extent
        return [
            Day(file.date, file.base + 1, extent.end_of(index), file.path, _bytes_of(file.path))
            for index, file in enumerate(extent.files)
        ]

    def drop_day(self, day: date, covered_by: int) -> None:
        """Delete the oldest day, all of whose entries a verified snapshot up to ``covered_by`` holds.

        Raises:
            DayKeptError: for the current day, a day that is not the oldest, or one that is not covered.
            JournalDiskError: when the disk refuses; the day is then there whole, or gone.
        """
        with self._write_lock, self._refusing(), self._read_lock:
            extent = self._extent
            _check_drop(extent, day, covered_by)
            self._close_reader()
            oldest = extent.files[0]
            journal_day.seal(oldest.path)
            oldest.path.unlink()
            self._extent = _Extent(extent.files[1:], extent.last)
            journal_day.sync(self._folder)

    def rewrite(self, change: Callable[[Batch], bytes], *, thorough: bool) -> int:
        """Put other bodies in the place of those of batches; ``change`` returns the body that is to stand.

        Positions stay; of the old bodies nothing is left in the folder. Appends wait while a day is rewritten. Only
        for what no answer depends on: a person's name. ``thorough`` finishes what an interrupted run began.

        Raises:
            JournalDiskError: when the disk refuses; each day is rewritten whole or not at all.
        """

        def changed(position: int, row: Row) -> Row:
            entry = unpack(position, row)
            if not isinstance(entry, Batch):
                return row
            body = change(entry)
            return row if body == entry.body else with_body(row, body)

        count = 0
        for file in self._extent.files:
            with self._write_lock, self._refusing(), self._read_lock:
                self._close_reader()
                count += journal_day.rewrite(file.path, changed, thorough=thorough)
        return count

    def close(self) -> None:
        """Close all files; appends and reads are refused from now on."""
        with self._write_lock, self._read_lock:
            self._closed = True
            self._close_reader()
            self._close_writer()

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        """Refuse all appends after any failure inside, until one has reopened the files."""
        whole = False
        try:
            yield
            whole = True
        except (sqlite3.Error, OSError) as error:
            raise JournalDiskError(self._folder, error) from error
        finally:
            if not whole:
                self._close_writer()
                self._ready = False

    def _open(self) -> None:
        """Bring the folder into its resting state and learn the last position from the files."""
        with self._read_lock:
            self._close_reader()
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            journal_day.sync(self._folder.parent)
            journal_day.sweep(self._folder)
            journal_day.sync(self._folder)
            extent = _survey(journal_day.find(self._folder))
            for file in extent.files[:-1]:
                _seal_if_free(file.path)
            if extent.files:
                newest = extent.files[-1].path
                self._writer = journal_day.connect_writer(newest)
                _, last = journal_day.positions(self._writer, newest)
                extent = _Extent(extent.files, last)
            self._extent = extent
            self._ready = True

    def _writer_of_today(self) -> sqlite3.Connection:
        """Return the connection to the newest file, after a change of day if one is due."""
        today = from_ns(self._clock.now_ns()).date()
        files = self._extent.files
        if self._writer is not None and today <= files[-1].date:
            return self._writer
        created = journal_day.create(self._folder, today, self._extent.last)
        writer = journal_day.connect_writer(created.path)
        self._close_writer()
        self._writer = writer
        self._extent = _Extent((*files, created), self._extent.last)
        if files:
            with self._read_lock:
                self._close_reader()
                failpoints.hit("journal_day_change")
                _seal_if_free(files[-1].path)
                failpoints.hit("journal_day_change")
        return writer

    def _rows(self, after: int) -> Iterator[tuple[int, Row]]:
        """Give the checked rows that follow a position, over all files."""
        extent = self._extent
        if self._closed:
            raise JournalClosedError
        if after > extent.last:
            problem = f"the reader is ahead of the journal, which ends at {extent.last}"
            raise JournalCorruptError(self._folder, after, problem)
        if extent.files and after < extent.files[0].base:
            raise JournalGapError(after, extent.files[0].base + 1)
        for index, file in enumerate(extent.files):
            end = extent.end_of(index)
            if after < end:
                yield from journal_day.rows(self._reader_of(file.path), file.path, max(after, file.base), end)

    def _reader_of(self, path: Path) -> sqlite3.Connection:
        if self._reader is None or self._reader[0] != path:
            self._close_reader()
            try:
                self._reader = (path, journal_day.connect_reader(path))
            except sqlite3.Error as error:
                raise JournalDiskError(path, error) from error
        return self._reader[1]

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader[1].close()
            self._reader = None

    def _close_writer(self) -> None:
        if self._writer is not None:
            writer, self._writer = self._writer, None
            with contextlib.suppress(sqlite3.Error):
                writer.close()


def _survey(found: Sequence[tuple[date, Path]]) -> _Extent:
    """Read the positions of all files and check that each begins where the one before ends."""
    files: list[DayFile] = []
    last: int | None = None
    for day, path in found:
        base, end = journal_day.inspect(path)
        if last is not None and base != last:
            problem = f"it continues position {base}, but the file before ends at {last}: a file or entries are missing"
            raise JournalCorruptError(path, None, problem)
        files.append(DayFile(day, path, base))
        last = end
    return _Extent(tuple(files), last or 0)


def _seal_if_free(path: Path) -> None:
    """Seal a finished day, or leave it for the next opening: an unsealed day is as durable, only not one file yet."""
    with contextlib.suppress(sqlite3.OperationalError):
        journal_day.seal(path)


def _check_drop(extent: _Extent, day: date, covered_by: int) -> None:
    dates = [file.date for file in extent.files]
    name = day.isoformat()
    if day not in dates:
        raise DayKeptError(name, "no file of this day is there", "List the days of the journal first.")
    if day == dates[-1]:
        raise DayKeptError(name, "it is the current day and carries the sequence on", "Wait for the next day.")
    if day != dates[0]:
        raise DayKeptError(name, f"{dates[0]} is older", "Delete the older days first.")
    if covered_by < extent.end_of(0):
        reason = f"it ends at position {extent.end_of(0)}, the snapshot covers {covered_by}"
        raise DayKeptError(name, reason, "Make a snapshot first.")


def _bytes_of(path: Path) -> int:
    """Return a file's bytes with its write-ahead log."""
    sizes = 0
    for part in (path, Path(f"{path}-wal")):
        with contextlib.suppress(FileNotFoundError):
            sizes += part.stat().st_size
    return sizes
