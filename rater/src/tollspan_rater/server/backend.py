"""Putting it together: the owner of a data folder, with doors (``serve``) or without (``open_folder``)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import time_ns

from tollspan_rater.config.sources import Resolved
from tollspan_rater.query.rater import Receipt
from tollspan_rater.server.pricing import check_pricing
from tollspan_rater.server.rater import Rater
from tollspan_rater.store import backup
from tollspan_rater.store.folder import Folder

__all__ = ["SystemClock", "check_pricing", "open_folder", "restore", "serve"]


class SystemClock:
    """The clock of the machine."""

    def now_ns(self) -> int:
        """Return the current time in nanoseconds since the epoch."""
        return time_ns()


@contextmanager
def open_folder(resolved: Resolved, command: str = "tollspan") -> Iterator[Rater]:
    """Own a data folder, catch up with its journal, give its rater; wait up to 10 s for another owner.

    Raises:
        FolderBusyError: another process kept it.
    """
    folder = Folder(resolved.config.data)
    folder.create()
    with folder.lock(command):
        rater = Rater(folder, resolved, SystemClock())
        rater.start()
        try:
            yield rater
        finally:
            rater.close()


def restore(resolved: Resolved, source: Path) -> Receipt:
    """Fill an empty data folder from a backup; nothing of it is opened before it is whole.

    Raises:
        FolderError: the folder is not empty, or the backup is damaged.
    """
    manifest = backup.restore(source, Folder(resolved.config.data))
    return Receipt(manifest.last_position, {"restored": str(resolved.config.data)})


def serve(resolved: Resolved) -> None:
    """Receive, rate and answer until SIGTERM or SIGINT."""
    from tollspan_rater.server.serving import serve_until, stopped_by_signals  # noqa: PLC0415 - other commands need no doors

    with stopped_by_signals() as stop, open_folder(resolved, "tollspan serve") as rater:
        serve_until(rater, stop)
