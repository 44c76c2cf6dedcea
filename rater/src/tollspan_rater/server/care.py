"""Looking after a folder: backup, snapshot, rebuild."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tollspan_rater import failpoints
from tollspan_rater.query.rater import Receipt
from tollspan_rater.server.rebuilding import rebuild_store
from tollspan_rater.store import backup as backups
from tollspan_rater.store import snapshot

if TYPE_CHECKING:
    from tollspan_rater.server.rater import Rater

APPLIED_S: Final = 60.0  # care waits this long for the store to come to the journal's end


def backup(rater: Rater, body: dict[str, Any], _tenant: str, _actor: str) -> Receipt:
    """Copy everything that is primary (journal, names, keys, snapshots) to a new folder, verified by digests."""
    with rater.caring:
        manifest = backups.backup(rater.folder, Path(body["to"]), rater.clock)
    return Receipt(manifest.last_position, {"to": body["to"], "files": len(manifest.files)})


def take_snapshot(rater: Rater, body: dict[str, Any], _tenant: str, _actor: str) -> Receipt:
    """Write a verified snapshot and delete the journal days that it covers, but for the current one.

    With ``keep_journal`` every day stays. Older snapshots beyond ``snapshots.keep`` go either way.
    """
    rater.writer.wait_for(rater.journal.last_position, APPLIED_S)
    with rater.caring:
        taken = snapshot.take(rater.database, rater.folder.snapshots, failpoints.hit, taken_ns=rater.clock.now_ns())
        removed = snapshot.prune(rater.folder.snapshots, rater.config.snapshots.keep)
        dropped = [] if body.get("keep_journal") else drop_days(rater, taken.position)
    return Receipt(
        taken.position, {"snapshot": taken.folder.name, "days_dropped": dropped, "snapshots_removed": removed}
    )


def drop_days(rater: Rater, covered_by: int) -> list[str]:
    """Delete the oldest journal days up to a position that a verified snapshot covers; never the current one."""
    dropped = []
    for day in rater.journal.days()[:-1]:
        if day.last > covered_by:
            break
        failpoints.hit("snapshot")
        rater.journal.drop_day(day.date, covered_by=covered_by)
        dropped.append(day.date.isoformat())
    return dropped


def rebuild(rater: Rater, _body: dict[str, Any], _tenant: str, _actor: str) -> Receipt:
    """Make the store again from the newest snapshot and the journal after it; compare it with the old one."""
    with rater.caring:
        before, after = rebuild_store(rater)
    differing = sorted(name for name in after if before.get(name) != after[name])
    return Receipt(rater.writer.position, {"same": not differing, "differing_tables": differing, "tables": after})
