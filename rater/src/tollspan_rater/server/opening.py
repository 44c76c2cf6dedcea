"""Opening the store: one that is missing is begun from the newest snapshot, the journal brings the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tollspan_rater import failpoints
from tollspan_rater.store import snapshot
from tollspan_rater.store.database import Database, remove
from tollspan_rater.store.folder import Folder

STORE_FILE: Final = "tollspan.duckdb"
_ASIDE: Final = "rebuild.duckdb"


def open_store(folder: Folder) -> Database:
    """Open the store of a folder; a missing one appears only with everything that the newest snapshot holds.

    Raises:
        UsageError: the snapshot is damaged.
    """
    path = folder.store / STORE_FILE
    if not path.exists():
        remove(path)  # a write-ahead log without its file would be applied to the new one
        if snapshot.latest(folder.snapshots) is not None:
            made = begin_aside(folder)
            close_whole(made)
            made.path.rename(path)
    return Database(path, failpoints.hit)


def begin_aside(folder: Folder) -> Database:
    """Make a store beside the one in use, filled from the newest snapshot if there is one."""
    path: Path = folder.store / _ASIDE
    remove(path)
    made = Database(path, failpoints.hit)
    base = snapshot.newest(folder.snapshots)
    if base is not None:
        snapshot.load(base, made)
    return made


def close_whole(made: Database) -> None:
    """Close a store so that its file alone holds everything."""
    made.checkpoint()
    made.close()
