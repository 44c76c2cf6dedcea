"""The data folder: where everything lies, and who owns it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tollspan_rater.errors import FolderBusyError, FolderError

_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Folder:
    """A data folder. Only its owner, who holds the lock, may write to it."""

    path: Path

    @property
    def journal(self) -> Path:
        """The journal's files, one a day."""
        return self.path / "journal"

    @property
    def store(self) -> Path:
        """The database; derived, rebuildable from snapshots and journal."""
        return self.path / "store"

    @property
    def snapshots(self) -> Path:
        """Base snapshots that stand for deleted days of the journal."""
        return self.path / "snapshots"

    @property
    def names(self) -> Path:
        """The names of people and customers."""
        return self.path / "names.sqlite"

    @property
    def subject_key(self) -> Path:
        """The key that turns names of people into ids."""
        return self.path / "subject.key"

    @property
    def trace_outbox(self) -> Path:
        """What traces were told of money, and what waits to be sent; no part of a backup."""
        return self.path / "trace_out.sqlite"

    @property
    def run_file(self) -> Path:
        """Where the serving process answers."""
        return self.path / "run.json"

    @property
    def lock_file(self) -> Path:
        """The file whose lock makes a process the owner."""
        return self.path / "lock"

    @property
    def unfinished_restore(self) -> Path:
        """Where a restore puts files together; while it exists the folder is not whole."""
        return self.path / "restore.partial"

    def create(self) -> None:
        """Make the folder and its parts, readable by the current user only; what exists is kept.

        Raises:
            FolderError: for a folder whose restore was cut off.
        """
        if self.unfinished_restore.exists():
            raise FolderError(self.path, "a restore was cut off here", "Empty the folder and restore again.")
        self.path.mkdir(parents=True, exist_ok=True)
        for part in (self.path, self.journal, self.store, self.snapshots):
            part.mkdir(exist_ok=True)
            part.chmod(0o700)

    @contextlib.contextmanager
    def lock(self, command: str, wait_s: float = 10.0, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
        """Own the folder inside the ``with``; the lock ends with the process, however it ends.

        A forked child shares the lock and keeps it alive; start workers by spawn.

        Args:
            command: what others are told who wait, e.g. ``tollspan serve``; without secrets.
            wait_s: how long to wait for another owner, in seconds.
            sleep: passes the time while waiting.

        Raises:
            FolderBusyError: when another process still owns the folder; names it.
        """
        handle = os.open(self.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            waited = 0.0
            while not _try_lock(handle):
                if waited >= wait_s:
                    raise FolderBusyError(self.path, os.pread(handle, 1000, 0).decode(errors="replace") or "a process")
                sleep(_POLL_S)
                waited += _POLL_S
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"process {os.getpid()} ({command})".encode(), 0)
            yield
        finally:
            os.close(handle)


def replace_file(path: Path, content: bytes) -> None:
    """Write a small private file so that a crash leaves the old one or the new one, whole and durable."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
