"""The spool: records lie in files from the moment they are made until the endpoint has acknowledged them.

A process has one file at a time, opened with its first record, and begins another when that is large. A file whose
process has ended is adopted by any other that sends to the same endpoint with the same credentials.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tollspan.ended import Ended
from tollspan.guarded import guarded, log
from tollspan.segment import NOTHING, SUFFIX, Batch, Expected, Segment

REOPEN_SECONDS: Final = 1.0  # after a failure; opening is too slow to be tried at each record
_ADOPT_MOST: Final = 32  # files at once; each is an open file
_FOLDER_MODE: Final = 0o700
_OTHERS: Final = 0o077


@dataclass(frozen=True)
class Limits:
    """Bytes: of all files of a folder together, and of one file, which is exceeded by at most one record."""

    folder_bytes: int = 512 << 20
    segment_bytes: int = 4 << 20

    @classmethod
    def of(cls, folder_bytes: int) -> Limits:
        """Return limits under which several processes find room."""
        return cls(folder_bytes, min(cls.segment_bytes, folder_bytes // 8))


class Spool:
    """The files of this process and those that it adopted. Any thread appends; one thread does all the rest."""

    def __init__(
        self,
        folders: Sequence[Path],
        resource: bytes,
        limits: Limits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        process_id: str = NOTHING.process_id,
    ) -> None:
        self._folders, self._resource, self._limits = tuple(folders), resource, limits or Limits()
        self._process_id = process_id
        self._expected = self._expected_at_ns = 0
        self._monotonic = monotonic
        self._lock = threading.RLock()  # a signal handler may append while its thread holds it
        self._current: Segment | None = None
        self._sources: deque[Segment] = deque()
        self._not_before = 0.0
        self._problem = "" if folders else "no folder"

    @property
    def problem(self) -> str:
        """Why records cannot be written now; empty when they can."""
        return self._problem

    def append(self, data: bytes) -> bool:
        """Write a framed record; False when that is not possible, now or at all. No lock is held while writing."""
        with self._lock:
            segment = self._current
            if segment is None or segment.written >= self._limits.segment_bytes:
                segment = self._next()
            if segment is None:
                return False
            segment.writers += 1
        written = False
        try:
            written = segment.write(data)
        except OSError as error:
            self._fail(error)
        finally:
            with self._lock:
                segment.writers -= 1
                segment.written += len(data)
                if not written:
                    self._seal(segment)
                if segment.leaving and not segment.writers:
                    segment.close()
        return written

    def expect(self, records: int, at_ns: int) -> None:
        """Write down how many records this process expects to make in all while calls are under way, else 0."""
        with self._lock:
            self._expected, self._expected_at_ns = records, at_ns
            if self._current is not None:
                self._current.expect(records, at_ns)
            elif records:
                self._current = self._open()

    def adopt(self) -> bool:
        """Take over files of processes that have ended; True when some of this and earlier times are left to read."""
        for path in self._files():
            if len(self._sources) >= _ADOPT_MOST:
                break
            try:
                segment = Segment.adopt(path)
            except OSError as error:
                log.debug("tollspan: %s not adopted (%s)", path, error)
                continue
            if segment is not None:
                with self._lock:
                    self._sources.append(segment)
        return any(not segment.own for segment in self._sources)

    def read(self, most: int) -> Batch | None:
        """Return the next batch, each file in turn; ``None`` when nothing waits. Finished files are deleted."""
        for _ in range(len(self._sources)):
            with self._lock:
                self._sources.rotate(-1)
                segment = self._sources[-1]
            batch = segment.read(most)
            if batch is not None:
                return batch
            if segment.expected.records and not segment.own:
                return Ended(segment).batch()
            if segment.finished():
                with self._lock:
                    self._sources.remove(segment)
                segment.remove()
        return None

    def sync(self) -> None:
        """Bring what this process wrote, and nobody acknowledged yet, to the disk."""
        for segment in tuple(self._sources):
            if segment.own:
                segment.sync()

    def waiting_files(self) -> bool:
        """Whether there is any file in the folders; it may be one that a process still works on."""
        return next(self._files(), None) is not None

    def close(self) -> None:
        """Delete what has arrived and leave the rest to whoever adopts it; a later record opens a new file."""
        with self._lock:
            left, self._current = tuple(self._sources), None
            self._sources.clear()
            for segment in left:
                segment.sealed = segment.leaving = True
                if segment.finished():
                    segment.remove()
                elif not segment.writers:
                    segment.close()
        self._leave_folders()

    def forget(self) -> None:
        """Close the files in a forked child. They stay the parent's: not unlocked, not deleted."""
        for segment in tuple(self._sources):
            segment.close()

    def _next(self) -> Segment | None:
        """Begin another file, in place of one that is full."""
        if self._current is not None:
            self._seal(self._current)
        self._current = self._open()
        return self._current

    def _seal(self, segment: Segment) -> None:
        """Let nobody begin to write to it; what the process expects stands in the next file."""
        segment.sealed = True
        if self._current is segment:
            self._current = None
            guarded(segment.expect)(0, 0)

    def _open(self) -> Segment | None:
        """Open a file in the first folder that allows it; ``None``, and not again for a second, when none does."""
        if self._monotonic() < self._not_before:
            return None
        for folder in self._folders:
            try:
                segment = self._open_in(folder)
            except OSError as error:
                self._fail(error)
                continue
            self._problem, self._not_before = "", 0.0
            self._sources.append(segment)
            return segment
        return None

    def _open_in(self, folder: Path) -> Segment:
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        sizes = waiting(folder)
        if sum(sizes.values()) + self._limits.segment_bytes > self._limits.folder_bytes:
            raise OSError(f"{folder} has its {self._limits.folder_bytes} bytes")
        expected = Expected(self._process_id, self._expected, self._expected_at_ns)
        segment = None
        while segment is None:
            segment = Segment.create(folder / (os.urandom(12).hex() + SUFFIX), self._resource, expected)
        return segment

    def _fail(self, error: OSError) -> None:
        if not self._problem:
            log.error("tollspan: records wait in memory and are lost if the process is killed: %s", error)
        self._problem, self._not_before = str(error), self._monotonic() + REOPEN_SECONDS

    def _files(self) -> Iterator[Path]:
        """Yield the files that are not open here."""
        held = {segment.path for segment in tuple(self._sources)}
        for folder in self._folders:
            try:
                names = sorted(waiting(folder))
            except OSError as error:
                log.debug("tollspan: %s not read (%s)", folder, error)
                continue
            yield from (folder / name for name in names if folder / name not in held)

    @guarded
    def _leave_folders(self) -> None:
        for folder in self._folders:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def waiting(folder: Path) -> dict[str, int]:
    """Return the name and bytes of each file of records in a folder.

    Raises:
        OSError: the folder is not there, or another user may read or write in it.
    """
    about = folder.lstat()
    if about.st_uid != os.geteuid() or about.st_mode & _OTHERS:
        raise PermissionError(f"{folder} is open to other users")
    with os.scandir(folder) as entries:
        return {entry.name: _size(entry) for entry in entries if entry.name.endswith(SUFFIX)}


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:
        return 0  # somebody has just finished it
