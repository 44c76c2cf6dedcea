"""Making the store again while the old one goes on: it is derived from the journal."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from tollspan_rater import failpoints
from tollspan_rater.errors import StoreDeadError
from tollspan_rater.pipeline.ahead import STEP_ENTRIES
from tollspan_rater.pipeline.writer import Writer
from tollspan_rater.server.opening import begin_aside, close_whole
from tollspan_rater.store.digest import table_digests

if TYPE_CHECKING:
    from tollspan_rater.server.rater import Rater

_ROUNDS: Final = 8  # bounds the work under a load that the new store cannot keep up with

Digests = dict[str, str]

log = logging.getLogger("tollspan")


def rebuild_store(rater: Rater) -> tuple[Digests, Digests]:
    """Make the store again aside, from the newest snapshot and the journal after it, then put it in place.

    Most of it happens while the old store goes on. Returns the digests of the tables in both, at one position;
    no digests of an old store that cannot be read.
    """
    made = begin_aside(rater.folder)
    with rater.writing_to(made) as writer:
        _approach(rater.writer, writer)
        failpoints.hit("rebuild")
        with rater.writer.paused():
            until = max(writer.position, rater.writer.position)
            writer.catch_up(until)
            before, after = _digests_at(until, rater), table_digests(made.reader())
            close_whole(made)
            rater.database.replace_with(made.path)
    return before, after


def _approach(old: Writer, new: Writer) -> None:
    """Bring the new store close to the old one, which under load goes on meanwhile: what is left stops the old one."""
    for _ in range(_ROUNDS):
        new.catch_up(old.position)
        if old.position - new.position <= STEP_ENTRIES:
            return


def _digests_at(position: int, rater: Rater) -> Digests:
    try:
        rater.writer.catch_up(position)
        with rater.database.looking_up() as connection:
            return table_digests(connection)
    except StoreDeadError as error:
        log.warning("The old store cannot be compared: %s", error)
        return {}
