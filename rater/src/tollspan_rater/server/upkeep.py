"""What a serving rater does for its folder without being asked: snapshots in their time."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import duckdb

from tollspan_rater.errors import TollspanError
from tollspan_rater.server.care import drop_days, take_snapshot
from tollspan_rater.store import snapshot

if TYPE_CHECKING:
    from tollspan_rater.server.rater import Rater

ACTOR: Final = "serve"
HOUR_NS: Final = 3_600 * 1_000_000_000

log = logging.getLogger("tollspan")


class Upkeep:
    """Looks after a folder whenever :meth:`step` is called; the rater's clock tells what is due."""

    def __init__(self, rater: Rater) -> None:
        self._rater = rater
        self._not_before_ns = 0

    def step(self) -> bool:
        """Take a snapshot if one is due; tell whether one was taken. A failure is logged and tried again in an hour."""
        now_ns = self._rater.clock.now_ns()
        if now_ns < self._not_before_ns or not self._is_due(now_ns):
            return False
        self._not_before_ns = now_ns + HOUR_NS
        try:
            receipt = take_snapshot(self._rater, {"keep_journal": True}, self._rater.config.tenant, ACTOR)
            self._drop_days()
        except (TollspanError, OSError, duckdb.Error):
            log.exception("no snapshot could be taken; the next try is in an hour")
            return False
        log.info("snapshot %s taken", receipt.body["snapshot"])
        return True

    def _drop_days(self) -> None:
        """Drop the days that even the oldest kept snapshot covers, so that losing the newest one loses nothing."""
        with self._rater.caring:
            covering = snapshot.oldest(self._rater.folder.snapshots, self._rater.config.snapshots.keep)
            if covering is not None:
                drop_days(self._rater, covering.position)

    def _is_due(self, now_ns: int) -> bool:
        hours = self._rater.config.snapshots.every_hours
        if not hours:
            return False
        last = snapshot.latest(self._rater.folder.snapshots)
        if last is not None:
            is_new = self._rater.writer.position > last.position
            return is_new and now_ns - last.taken_ns >= hours * HOUR_NS
        (first_ns,) = self._rater.database.reader().execute("SELECT min(at_ns) FROM entries").fetchall()[0]
        return first_ns is not None and now_ns - int(first_ns) >= hours * HOUR_NS
