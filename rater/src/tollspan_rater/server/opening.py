"""Opening the store: one that is missing is begun from the newest snapshot, the journal brings the rest."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from tollspan_rater import failpoints
from tollspan_rater.errors import StoreDamagedError, StoreOutdatedError
from tollspan_rater.store import snapshot
from tollspan_rater.store.database import Database, put_in_place, remove, set_aside
from tollspan_rater.store.folder import Folder

STORE_FILE: Final = "tollspan.duckdb"
_ASIDE: Final = "rebuild.duckdb"

log = logging.getLogger("tollspan")


def open_store(folder: Folder) -> Database:
    """Open the store of a folder, ready to follow the journal.

    A missing store begins at the newest snapshot, else empty; the writer brings it to the journal's end. A damaged
    one, or one of an older release, is set aside, with a warning in the log, and then it is a missing one.

    Raises:
        StoreDeadError: the file is there and cannot be opened, though nothing says that it is damaged.
        UsageError: the newest snapshot is not what was written.
    """
    path = folder.store / STORE_FILE
    remove(folder.store / _ASIDE)  # a killed rebuild leaves it
    if path.exists():
        try:
            return Database(path, failpoints.hit)
        except StoreDamagedError as error:
            log.warning("%s It is kept as %s and made again now.", error, set_aside(path, "damaged"))
        except StoreOutdatedError as error:
            log.warning("%s The old file is kept as %s.", error, set_aside(path, "outdated"))
    remove(path)  # a write-ahead log without its file would be applied to the new one
    if snapshot.newest(folder.snapshots) is not None:
        made = begin_aside(folder)
        close_whole(made)
        put_in_place(made.path, path)
    return Database(path, failpoints.hit)


def empty_aside(folder: Folder) -> Database:
    """Make an empty store beside the one in use."""
    path: Path = folder.store / _ASIDE
    remove(path)
    return Database(path, failpoints.hit)


def begin_aside(folder: Folder) -> Database:
    """Make a store beside the one in use, filled from the newest snapshot if there is one."""
    made = empty_aside(folder)
    base = snapshot.newest(folder.snapshots)
    if base is not None:
        snapshot.load(base, made)
    return made


def close_whole(made: Database) -> None:
    """Close a store so that its file alone holds everything."""
    made.checkpoint()
    made.close()
