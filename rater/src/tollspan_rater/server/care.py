"""Looking after a folder: backup, snapshot, rebuild."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tollspan_rater import failpoints
from tollspan_rater.query.rater import Receipt
from tollspan_rater.server.rebuilding import rebuild_store
from tollspan_rater.store import backup as backups
from tollspan_rater.store import snapshot

if TYPE_CHECKING:
    from tollspan_rater.server.rater import Rater


def backup(rater: Rater, body: dict[str, Any], _tenant: str, _actor: str) -> Receipt:
    """Copy everything that is primary (journal, names, keys, snapshots) to a new folder, verified by digests."""
    manifest = backups.backup(rater.folder, Path(body["to"]), rater.clock)
    return Receipt(manifest.last_position, {"to": body["to"], "files": len(manifest.files)})


def take_snapshot(rater: Rater, _body: dict[str, Any], _tenant: str, _actor: str) -> Receipt:
    """Write a verified snapshot and delete the journal days that it covers, but for the current one."""
    rater.writer.wait_for(rater.journal.last_position, 60.0)
    taken = snapshot.take(rater.database, rater.folder.snapshots, failpoints.hit)
    dropped = []
    for day in rater.journal.days()[:-1]:
        if day.last <= taken.position:
            failpoints.hit("snapshot")
            rater.journal.drop_day(day.date, covered_by=taken.position)
            dropped.append(day.date.isoformat())
    return Receipt(taken.position, {"snapshot": taken.folder.name, "days_dropped": dropped})


def rebuild(rater: Rater, _body: dict[str, Any], _tenant: str, _actor: str) -> Receipt:
    """Make the store again from the newest snapshot and the journal after it; compare it with the old one."""
    before, after = rebuild_store(rater)
    differing = sorted(name for name in after if before.get(name) != after[name])
    return Receipt(rater.writer.position, {"same": not differing, "differing_tables": differing, "tables": after})
