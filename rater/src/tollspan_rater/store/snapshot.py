"""Snapshots: all facts at one journal position as Parquet files with a manifest that proves them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from tollspan_rater.errors import StoreDeadError, UsageError
from tollspan_rater.store.database import FORMAT, Database
from tollspan_rater.store.digest import table_digests
from tollspan_rater.store.tables import SCHEMAS


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A verified snapshot: its folder, the journal position it covers, the digest of each table."""

    folder: Path
    position: int
    digests: dict[str, str]


def take(database: Database, folder: Path, failpoint: Callable[[str], None] = lambda _name: None) -> Snapshot:
    """Write a snapshot of the store's committed state below ``folder`` and verify it by reading it again.

    The snapshot appears under its name only when it is whole and verified.
    """
    for unfinished in folder.glob("*.new"):
        shutil.rmtree(unfinished)
    with database.snapshot() as connection:
        position = int(connection.execute("SELECT coalesce(max(position), 0) FROM entries").fetchall()[0][0])
        aside = folder / f"{position:012d}.new"
        final = folder / f"{position:012d}"
        if final.exists():
            return verify(final)
        aside.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in SCHEMAS:
            target = aside / f"{name}.parquet"
            connection.execute(f"COPY {name} TO '{_quoted(target)}' (FORMAT parquet, COMPRESSION zstd)")
        digests = table_digests(connection)
    failpoint("snapshot")
    files = {f"{name}.parquet": _sha256(aside / f"{name}.parquet") for name in SCHEMAS}
    manifest = {"format": FORMAT, "position": position, "tables": digests, "files": files}
    (aside / "manifest.json").write_text(json.dumps(manifest, indent=2, sort_keys=True))
    verify(aside)
    for path in (*aside.iterdir(), aside):
        _sync(path)
    failpoint("snapshot")
    aside.rename(final)
    _sync(folder)
    failpoint("snapshot")
    return Snapshot(final, position, digests)


def verify(folder: Path) -> Snapshot:
    """Read a snapshot again and compare it with its manifest.

    Raises:
        UsageError: when a file or a digest differs; the snapshot must not be relied on.
    """
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    for name, digest in manifest["files"].items():
        if _sha256(folder / name) != digest:
            raise UsageError(f"{folder / name} differs from its manifest. Use an older snapshot or a backup.")
    with duckdb.connect() as connection:
        for name in SCHEMAS:
            path = _quoted(folder / f"{name}.parquet")
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{path}')")  # noqa: S608 - our file
        if table_digests(connection) != manifest["tables"]:
            raise UsageError(f"{folder} does not hold what its manifest says. Use an older snapshot or a backup.")
    return Snapshot(folder, manifest["position"], manifest["tables"])


def newest(folder: Path) -> Snapshot | None:
    """Return the newest snapshot below a folder, verified; None when there is none."""
    names = sorted(path for path in folder.glob("[0-9]*") if path.suffix != ".new" and path.is_dir())
    return verify(names[-1]) if names else None


def load(snapshot: Snapshot, database: Database) -> None:
    """Fill an empty store from a snapshot.

    Raises:
        StoreDeadError: the store does not hold afterwards what the snapshot holds.
    """
    database.append_files({name: snapshot.folder / f"{name}.parquet" for name in SCHEMAS})
    if table_digests(database.reader()) != snapshot.digests:
        raise StoreDeadError(f"{database.path} differs from {snapshot.folder} after loading it")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
