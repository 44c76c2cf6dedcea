"""One file of the journal: a SQLite database that holds the entries of one UTC day.

The file of the current day is in WAL mode and fsyncs every commit; a finished day is *sealed*: checkpointed into one
plain file without a ``-wal`` beside it. The file states the position before its first entry (``base``), so that
the sequence goes on over files that are empty or already deleted.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path

from tollspan_rater import failpoints
from tollspan_rater.errors import FormatVersionError, JournalCorruptError, JournalDiskError
from tollspan_rater.ingest.journal_row import Row, digest

FORMAT = 1
SYNCHRONOUS = "full"
_APPLICATION_ID = 0x746F6C6C
_BUSY_S = 5.0
_REWRITTEN_AT_ONCE = 64  # rows, each at most one request
_SEAL_BUSY_S = 0.2  # appends wait for it at a change of day
_SCHEMA = f"""
begin;
create table entry (
    position integer primary key, kind integer not null, at_ns integer not null,
    tenant text not null, origin text not null, form text not null, body blob not null, digest blob not null
) strict;
create table origin (base integer not null) strict;
pragma application_id = {_APPLICATION_ID};
pragma user_version = {FORMAT};
"""
_INSERT = "insert into entry values (?, ?, ?, ?, ?, ?, ?, ?)"
_SELECT = "select * from entry where position > ? and position <= ? order by position"

Change = Callable[[int, Row], Row]


@dataclass(frozen=True, slots=True)
class DayFile:
    """A file of the journal; ``base`` is the position before its first entry."""

    date: date
    path: Path
    base: int


def find(folder: Path) -> list[tuple[date, Path]]:
    """List the files of a journal folder by day, oldest first."""
    return sorted((date.fromisoformat(path.stem), path) for path in folder.glob("????-??-??.sqlite"))


def create(folder: Path, day: date, base: int) -> DayFile:
    """Make the empty file of a day; after a crash it is there whole or not at all."""
    path = folder / f"{day.isoformat()}.sqlite"
    unfinished = path.with_suffix(".sqlite.new")
    failpoints.hit("journal_day_change")
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with contextlib.closing(sqlite3.connect(unfinished, isolation_level=None)) as connection:
        connection.executescript(_SCHEMA)
        connection.execute("insert into origin values (?)", (base,))
        connection.execute("commit")
    sync(unfinished)
    failpoints.hit("journal_day_change")
    unfinished.rename(path)
    failpoints.hit("journal_day_change")
    sync(folder)
    return DayFile(day, path, base)


def sync(path: Path) -> None:
    """Force a file's bytes, or a folder's names, to the disk.

    Never for a database that is open: closing it here would drop SQLite's locks on it.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path) -> None:
    """Remove what a crash left behind: unfinished files, and side files of deleted days."""
    leftovers = [*folder.glob("*.sqlite.new*")]
    for suffix in ("-wal", "-shm", "-journal"):
        leftovers += [side for side in folder.glob(f"*.sqlite{suffix}") if not Path(str(side)[: -len(suffix)]).exists()]
    for path in leftovers:
        path.unlink(missing_ok=True)


def connect(path: Path, busy_s: float = _BUSY_S) -> sqlite3.Connection:
    """Open an existing file, for use under a lock by any thread; it is never created on the way."""
    uri = f"{path.absolute().as_uri()}?mode=rw"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=busy_s, check_same_thread=False)


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open a file for reading beside its writer; damaged text comes back as it is and fails its digest."""
    connection = connect(path)
    connection.text_factory = lambda raw: raw.decode(errors="surrogateescape")
    connection.execute("pragma query_only = on")
    return connection


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open a file for appending, with everything that is visible in it made durable first.

    A commit that was cut off between its write and its fsync may be visible now and gone after a power cut. Whoever
    reads it would then be ahead of the journal. The truncating checkpoint moves it into the fsynced main file.
    """
    connection = connect(path)
    try:
        connection.execute("pragma journal_mode = wal")
        connection.execute(f"pragma synchronous = {SYNCHRONOUS}")
        (busy, _, _) = connection.execute("pragma wal_checkpoint(truncate)").fetchone()
        if busy:
            raise sqlite3.OperationalError("a reader of the current day kept it from being checkpointed")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def inspect(path: Path) -> tuple[int, int]:
    """Return (base, last position) of a file of a known format.

    Raises:
        FormatVersionError: when a newer release wrote it.
        JournalCorruptError: when it is no file of a journal.
    """
    try:
        with contextlib.closing(connect(path)) as connection:
            return positions(connection, path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        raise JournalCorruptError(path, None, f"not a readable database ({error})") from error


def positions(connection: sqlite3.Connection, path: Path) -> tuple[int, int]:
    """Return (base, last position) through an open connection; as ``inspect``."""
    (found,) = connection.execute("pragma user_version").fetchone()
    (application,) = connection.execute("pragma application_id").fetchone()
    if application != _APPLICATION_ID:
        raise JournalCorruptError(path, None, "not a file of a journal")
    if found > FORMAT:
        raise FormatVersionError(path, found, FORMAT)
    (base,) = connection.execute("select base from origin").fetchone()
    first, last = connection.execute("select min(position), max(position) from entry").fetchone()
    if not isinstance(base, int) or (first is not None and first != base + 1):
        raise JournalCorruptError(path, None, f"it begins at position {first} after position {base}")
    return base, base if last is None else last


def seal(path: Path) -> None:
    """Checkpoint a finished day into one plain file; safe to repeat.

    Raises:
        sqlite3.OperationalError: when a reader is in the way or the disk refuses; the day stays whole either way.
    """
    with contextlib.closing(connect(path, _SEAL_BUSY_S)) as connection:
        connection.execute(f"pragma synchronous = {SYNCHRONOUS}")
        (mode,) = connection.execute("pragma journal_mode = delete").fetchone()
    if mode != "delete":
        raise sqlite3.OperationalError(f"{path} is still being read")
    sync(path.parent)


def write(connection: sqlite3.Connection, first: int, rows: Sequence[Row]) -> None:
    """Write rows at consecutive positions from ``first`` in one transaction; durable on return."""
    numbered = enumerate(rows, first)
    values = ((at, r.kind, r.at_ns, r.tenant, r.origin, r.form, r.body, digest(at, r)) for at, r in numbered)
    connection.execute("begin immediate")
    connection.executemany(_INSERT, values)
    failpoints.hit("before_fsync")
    connection.execute("commit")
    failpoints.hit("after_fsync")


def rewrite(path: Path, change: Change, *, thorough: bool) -> int:
    """Change rows in place, keeping their positions, and leave nothing of the old ones in the file or beside it.

    Returns how many differ. After a crash the file holds all old rows or all new ones; in the latter case the bytes
    of the old ones may still be in unused parts, which a ``thorough`` run cleans also where no row differs.
    """
    changed = 0
    with contextlib.closing(connect(path)) as connection:
        connection.execute(f"pragma synchronous = {SYNCHRONOUS}")
        connection.execute("pragma secure_delete = on")
        at, last = positions(connection, path)
        connection.execute("begin immediate")
        while chunk := list(islice(rows(connection, path, at, last), _REWRITTEN_AT_ONCE)):
            at = chunk[-1][0]
            pairs = [(position, row, change(position, row)) for position, row in chunk]
            differing = [(new.body, digest(position, new), position) for position, old, new in pairs if new != old]
            connection.executemany("update entry set body = ?, digest = ? where position = ?", differing)
            changed += len(differing)
        connection.execute("commit")
        if changed or thorough:
            connection.execute("vacuum")
        (busy, _, _) = connection.execute("pragma wal_checkpoint(truncate)").fetchone()
        if busy:
            raise sqlite3.OperationalError(f"{path} is being read; its write-ahead log keeps what was replaced")
    return changed


def rows(connection: sqlite3.Connection, path: Path, after: int, until: int) -> Iterator[tuple[int, Row]]:
    """Give the rows of (after, until], each checked; every position is there.

    Raises:
        JournalCorruptError: for a row that is missing or not what was written.
        JournalDiskError: when the disk refuses to read.
    """
    expected = after
    try:
        for position, kind, at_ns, tenant, origin, form, body, written in connection.execute(_SELECT, (after, until)):
            expected += 1
            row = Row(kind, at_ns, tenant, origin, form, body)
            if position != expected or digest(position, row) != written:
                raise JournalCorruptError(path, expected, "the entry is missing or its digest does not match")
            yield position, row
    except sqlite3.OperationalError as error:
        raise JournalDiskError(path, error) from error
    except sqlite3.Error as error:
        raise JournalCorruptError(path, expected + 1, f"the entry cannot be read ({error})") from error
    if expected < until:
        raise JournalCorruptError(path, expected + 1, "the entry is missing")
