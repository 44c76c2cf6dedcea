"""A segment: one file of records, locked by the process that works on it, with a mark of what has arrived.

The file begins with 8 bytes of magic; the mark, a position in the file up to which the endpoint has acknowledged; the
id of the process, how many records it expects to make in all, and when it did. The last two are 0 while no call is
under way, and in all its files but the last. Then come frames, the resource first.

The lock (``flock``) ends with the process, however that ends, and so tells others that the file is nobody's any more.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from tollspan.frame import RESOURCE, Frame, framed, read_frames

try:
    import fcntl
except ImportError:  # no flock on this system: records wait in memory
    fcntl = None  # type: ignore[assignment]

SUFFIX: Final = ".spool"
_MAGIC: Final = b"tollspn2"
_HEADER: Final = struct.Struct(">8sQ8sQQ")
_MARK: Final = struct.Struct(">Q")
_EXPECTED: Final = struct.Struct(">QQ")
_EXPECTED_AT: Final = _HEADER.size - _EXPECTED.size
_MODE: Final = 0o600
_NEW: Final = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
_READ: Final = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


class Source(Protocol):
    """Where a batch came from, told when it has arrived."""

    def acknowledge(self, end: int) -> None:
        """Go on behind ``end``; nothing before it is read again."""


class Expected(NamedTuple):
    """How many records a process expects to make in all while calls are under way, else 0; and when it did."""

    process_id: str
    records: int
    at_ns: int


class Batch(NamedTuple):
    """Frames of one resource, read together; ``end`` is where their source goes on once they have arrived.

    ``ended``: they are no records, but tell of a process that was killed.
    """

    source: Source
    resource: bytes
    frames: tuple[Frame, ...]
    end: int
    damaged: int = 0
    own: bool = True
    ended: bool = False


NOTHING: Final = Expected("00" * 8, 0, 0)


class Segment:
    """An open segment; made by ``create`` or ``adopt``. One thread reads it, any number write.

    The plain attributes are kept, and guarded, by whoever shares the segment: ``writers`` at work now, bytes
    ``written``, ``sealed`` when nobody may begin to write any more, ``leaving`` when the last writer closes it.
    """

    def __init__(
        self, path: Path, reading: int, writing: int | None, resource: bytes, mark: int, expected: Expected
    ) -> None:
        self.path, self.resource = path, resource
        self._process_id, self._expected, self._expected_at_ns = expected
        self.writers = self.written = 0
        self.sealed, self.leaving = writing is None, False
        self._reading, self._writing = reading, writing
        self._at = mark
        self._synced = 0

    @classmethod
    def create(cls, path: Path, resource: bytes, expected: Expected = NOTHING) -> Segment | None:
        """Make a new file and lock it; ``None`` when somebody took it for abandoned in between: try another name.

        Raises:
            OSError: the file system is full, read-only, or knows no locks.
        """
        writing = os.open(path, _NEW, _MODE)
        first = framed(Frame(RESOURCE, resource))
        mark = _HEADER.size + len(first)
        reading = -1
        try:
            if not _locked(writing):
                os.close(writing)
                return None
            reading = os.open(path, _READ)
            process = bytes.fromhex(expected.process_id)
            _write_whole(writing, _HEADER.pack(_MAGIC, mark, process, *expected[1:]) + first)
        except OSError:
            _close_all(writing, reading)
            path.unlink(missing_ok=True)
            raise
        return cls(path, reading, writing, resource, mark, expected)

    @classmethod
    def adopt(cls, path: Path) -> Segment | None:
        """Take over the file of a process that has ended; ``None`` when one works on it, or it is of another format.

        Raises:
            OSError: the file is gone, or not ours to read.
        """
        reading = os.open(path, _READ)
        try:
            if not _locked(reading):
                os.close(reading)
                return None
            data = os.read(reading, _HEADER.size)
            whole = len(data) == _HEADER.size
            magic, mark, process, *expected = _HEADER.unpack(data) if whole else (_MAGIC, 0, b"", 0, 0)
            if magic != _MAGIC:
                os.close(reading)
                return None
            known = _HEADER.size <= mark <= os.fstat(reading).st_size
            at = mark if known else _HEADER.size
            return cls(path, reading, None, _resource(reading), at, Expected(process.hex(), *expected))
        except OSError:
            os.close(reading)
            raise

    @property
    def own(self) -> bool:
        """Whether this process wrote it."""
        return self._writing is not None

    @property
    def complete(self) -> bool:
        """Whether nobody writes to it any more."""
        return self.sealed and not self.writers

    def write(self, data: bytes) -> bool:
        """Append; False when only a part found room, which readers skip."""
        return self._writing is not None and os.write(self._writing, data) == len(data)

    def size(self) -> int:
        """Return the bytes of the file now."""
        return os.fstat(self._reading).st_size

    def read(self, most: int) -> Batch | None:
        """Read up to ``most`` records behind the mark; ``None`` when there are none now. Damage alone is skipped."""
        complete = self.complete
        data = os.pread(self._reading, max(self.size() - self._at, 0), self._at)
        found = read_frames(data, most, complete=complete)
        frames = tuple(frame for frame in found.frames if frame.kind != RESOURCE)
        if not found.size:
            return None
        return Batch(self, self.resource, frames, self._at + found.size, found.damaged, self.own)

    def finished(self) -> bool:
        """Whether all that it will ever hold has been acknowledged, and nothing more is expected."""
        return self.complete and self._at >= self.size() and not self._expected

    def acknowledge(self, end: int) -> None:
        """Move the mark, in the file too, so that whoever adopts it does not begin at the start."""
        self._at = end
        os.pwrite(self._reading, _MARK.pack(end), len(_MAGIC))

    @property
    def expected(self) -> Expected:
        """What the process expects, or expected when it was killed."""
        return Expected(self._process_id, self._expected, self._expected_at_ns)

    def expect(self, records: int, at_ns: int) -> None:
        """Write down how many records the process expects to make in all."""
        self._expected, self._expected_at_ns = records, at_ns
        if self._reading >= 0:
            os.pwrite(self._reading, _EXPECTED.pack(records, at_ns), _EXPECTED_AT)

    def sync(self) -> None:
        """Bring what was written since the last time to the disk, and the first time the file's name."""
        size = self.size()
        if size > max(self._synced, self._at):
            os.fsync(self._reading)
            if not self._synced:
                _sync_folder(self.path.parent)
            self._synced = size

    def remove(self) -> None:
        """Delete the file, then close it: nobody adopts a file without a name."""
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Close the file and so unlock it; a second time does nothing."""
        reading, writing, self._reading, self._writing = self._reading, self._writing, -1, None
        _close_all(reading, -1 if writing is None else writing)


def _locked(descriptor: int) -> bool:
    """Lock a file that still has a name; False when another process has it, or deleted it."""
    if fcntl is None:
        raise OSError("no file locks on this system")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return os.fstat(descriptor).st_nlink > 0


def _write_whole(descriptor: int, data: bytes) -> None:
    if os.write(descriptor, data) != len(data):
        raise OSError("no room for a file of records")


def _resource(descriptor: int) -> bytes:
    """Return the resource that a file of another process begins with; empty when it is damaged."""
    data = os.pread(descriptor, os.fstat(descriptor).st_size, _HEADER.size)
    first = read_frames(data, 1, complete=False).frames
    return first[0].payload if first and first[0].kind == RESOURCE else b""


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _close_all(*descriptors: int) -> None:
    for descriptor in descriptors:
        if descriptor >= 0:
            os.close(descriptor)
