"""Making the store again: it is derived, so a file that is missing or damaged is no loss."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tollspan_rater import failpoints
from tollspan_rater.errors import StoreDamagedError, StoreDeadError
from tollspan_rater.store import snapshot
from tollspan_rater.store.database import Database, put_in_place, remove, set_aside
from tollspan_rater.store.digest import table_digests
from tollspan_rater.store.folder import Folder

if TYPE_CHECKING:
    from tollspan_rater.server.rater import Rater

STORE_FILE: Final = "tollspan.duckdb"
_ASIDE: Final = "rebuild.duckdb"

Digests = dict[str, str]

log = logging.getLogger("tollspan")


def open_store(folder: Folder) -> Database:
    """Open the store of a folder, ready to follow the journal.

    A missing store begins at the newest snapshot, else empty; the writer brings it to the journal's end. A damaged
    one is set aside, with a warning in the log, and then it is a missing one.

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
            log.warning("%s It is kept as %s and made again now.", error, set_aside(path))
    made = _based(folder)
    made.close()
    put_in_place(made.path, path)
    return Database(path, failpoints.hit)


def rebuild_store(rater: Rater) -> tuple[Digests, Digests]:
    """Make the store again aside, from the newest snapshot and the journal after it, then put it in place.

    Most of it happens while the old store goes on. Returns the digests of the tables in both, at one position;
    no digests of an old store that cannot be read.
    """
    made = _based(rater.folder)
    writer = rater.writer_to(made)
    writer.catch_up(rater.writer.position)  # not the journal's end: under load that runs away
    failpoints.hit("rebuild")
    with rater.writer.paused():
        until = max(writer.position, rater.writer.position)
        writer.catch_up(until)
        before, after = _digests_at(until, rater), table_digests(made.reader())
        made.checkpoint()
        made.close()
        rater.database.replace_with(made.path)
    return before, after


def _digests_at(position: int, rater: Rater) -> Digests:
    try:
        rater.writer.catch_up(position)
        with rater.database.looking_up() as connection:
            return table_digests(connection)
    except StoreDeadError as error:
        log.warning("The old store cannot be compared: %s", error)
        return {}


def _based(folder: Folder) -> Database:
    """Return a new store aside that holds what the newest snapshot holds."""
    aside: Path = folder.store / _ASIDE
    remove(aside)
    made = Database(aside, failpoints.hit)
    base = snapshot.newest(folder.snapshots)
    if base is not None:
        snapshot.load(base, made)
        made.checkpoint()
    return made
