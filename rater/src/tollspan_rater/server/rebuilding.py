"""Making the store again while the old one goes on: it is derived from the journal."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tollspan_rater import failpoints
from tollspan_rater.errors import StoreDeadError
from tollspan_rater.server.opening import begin_aside, close_whole
from tollspan_rater.store.digest import table_digests

if TYPE_CHECKING:
    from tollspan_rater.server.rater import Rater

Digests = dict[str, str]

log = logging.getLogger("tollspan")


def rebuild_store(rater: Rater) -> tuple[Digests, Digests]:
    """Make the store again aside, from the newest snapshot and the journal after it, then put it in place.

    Most of it happens while the old store goes on. Returns the digests of the tables in both, at one position;
    no digests of an old store that cannot be read.
    """
    made = begin_aside(rater.folder)
    writer = rater.writer_to(made)
    writer.catch_up(rater.writer.position)  # not the journal's end: under load that runs away
    failpoints.hit("rebuild")
    with rater.writer.paused():
        until = max(writer.position, rater.writer.position)
        writer.catch_up(until)
        before, after = _digests_at(until, rater), table_digests(made.reader())
        close_whole(made)
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
