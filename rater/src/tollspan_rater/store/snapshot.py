"""Snapshots: all facts at one journal position as Parquet files with a manifest that proves them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow.parquet as pq

from tollspan_rater.errors import FormatVersionError, StoreDeadError, UsageError
from tollspan_rater.store.database import FORMAT, Database
from tollspan_rater.store.digest import table_digests
from tollspan_rater.store.tables import SCHEMAS

_MANIFEST: Final = "manifest.json"
_UNFINISHED: Final = ".new"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot: its folder, the journal position it covers, the digest of each table, when it was taken."""

    folder: Path
    position: int
    digests: dict[str, str]
    taken_ns: int = 0


def take(
    database: Database, folder: Path, failpoint: Callable[[str], None] = lambda _name: None, *, taken_ns: int = 0
) -> Snapshot:
    """Write a snapshot of the store's committed state below ``folder`` and verify it by reading it again.

    The snapshot appears under its name only when it is whole and verified.
    """
    for unfinished in folder.glob("*.new"):
        shutil.rmtree(unfinished)
    with database.snapshot() as connection:
        position = int(connection.execute("SELECT coalesce(max(position), 0) FROM entries").fetchall()[0][0])
        aside = folder / f"{position:012d}{_UNFINISHED}"
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
    manifest = {"format": FORMAT, "position": position, "taken_ns": taken_ns, "tables": digests, "files": files}
    (aside / _MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True))
    verify(aside)
    for path in (*aside.iterdir(), aside):
        _sync(path)
    failpoint("snapshot")
    aside.rename(final)
    _sync(folder)
    failpoint("snapshot")
    return Snapshot(final, position, digests, taken_ns)


def verify(folder: Path) -> Snapshot:
    """Read a snapshot again and compare it with its manifest.

    Raises:
        FormatVersionError: when a newer release wrote it.
        UsageError: when a file or a digest differs; the snapshot must not be relied on.
    """
    manifest: dict[str, Any] = json.loads((folder / _MANIFEST).read_text())
    if manifest["format"] > FORMAT:
        raise FormatVersionError(folder, manifest["format"], FORMAT)
    for name, digest in manifest["files"].items():
        if _sha256(folder / name) != digest:
            raise UsageError(f"{folder / name} differs from its manifest. Use an older snapshot or a backup.")
    with duckdb.connect() as connection:
        for name in _columns(folder):
            path = _quoted(folder / f"{name}.parquet")
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{path}')")  # noqa: S608 - our file
        if table_digests(connection, _columns(folder)) != manifest["tables"]:
            raise UsageError(f"{folder} does not hold what its manifest says. Use an older snapshot or a backup.")
    return _read(folder, manifest)


def newest(folder: Path) -> Snapshot | None:
    """Return the newest snapshot below a folder, verified; None when there is none."""
    found = latest(folder)
    return None if found is None else verify(found.folder)


def latest(folder: Path) -> Snapshot | None:
    """Return the newest snapshot as its manifest describes it, unverified; None when there is none."""
    finished = _finished(folder)
    return _read(finished[-1], json.loads((finished[-1] / _MANIFEST).read_text())) if finished else None


def oldest(folder: Path, among: int) -> Snapshot | None:
    """Return the oldest snapshot, verified, if there are at least ``among`` of them."""
    finished = _finished(folder)
    return verify(finished[0]) if len(finished) >= among else None


def prune(folder: Path, keep: int) -> list[str]:
    """Remove all but the newest ``keep`` snapshots and what crashes left behind; return the removed names.

    Raises:
        UsageError: the newest one, which is to stand for the removed ones, is damaged; nothing was removed.
    """
    if newest(folder) is None:
        return []
    old = _finished(folder)[:-keep]
    for path in old:
        # Half a removed snapshot must not look like one, whatever moment the process ends at.
        path.rename(path.with_suffix(_UNFINISHED))
    for path in folder.glob(f"[0-9]*{_UNFINISHED}"):
        shutil.rmtree(path)
    _sync(folder)
    return [path.name for path in old]


def load(snapshot: Snapshot, database: Database) -> None:
    """Fill an empty store from a snapshot.

    Raises:
        StoreDeadError: the store does not hold afterwards what the snapshot holds.
    """
    database.append_files({name: snapshot.folder / f"{name}.parquet" for name in _columns(snapshot.folder)})
    if table_digests(database.reader(), _columns(snapshot.folder)) != snapshot.digests:
        raise StoreDeadError(f"{database.path} differs from {snapshot.folder} after loading it")


def _finished(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("[0-9]*") if path.suffix != _UNFINISHED and path.is_dir())


def _read(folder: Path, manifest: dict[str, Any]) -> Snapshot:
    return Snapshot(folder, manifest["position"], manifest["tables"], manifest.get("taken_ns", 0))


def _columns(folder: Path) -> dict[str, list[str]]:
    """Return the columns that a snapshot holds of each table: the tables and columns of the release that took it."""
    files = {name: folder / f"{name}.parquet" for name in SCHEMAS}
    return {name: pq.read_schema(path).names for name, path in files.items() if path.exists()}


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
