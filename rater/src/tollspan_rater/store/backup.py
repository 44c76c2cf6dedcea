"""Backup and restore of a data folder: journal, snapshots, names and their key; the database is derived from them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import sqlite3
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from tollspan_rater.domain.clock import Clock
from tollspan_rater.errors import FolderError, FormatVersionError
from tollspan_rater.ingest import journal_day
from tollspan_rater.store.folder import Folder, replace_file

FORMAT = 1
_MANIFEST = "manifest.json"
_UNFINISHED = (".new", ".partial")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds: ``files`` maps a path inside it to its SHA-256, in hex."""

    format: int
    created_ns: int
    last_position: int
    files: dict[str, str]


def backup(folder: Folder, target: Path, clock: Clock) -> Manifest:
    """Copy a folder to ``target``, also while its owner writes; holds every entry that was durable at the start.

    The target appears whole or not at all.

    Raises:
        FolderError: when the target exists, or a day of the journal was deleted meanwhile.
    """
    if target.exists():
        raise FolderError(target, "it exists already", "Name a folder that does not exist.")
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700, parents=True)
    days = journal_day.find(folder.journal)
    # Snapshots first: so none covers more than the copied journal, and copying a day deleted since fails loudly.
    _copy_snapshots(folder.snapshots, partial / "snapshots")
    last_position = _copy_journal(days, partial / "journal")
    if folder.names.exists():
        _copy_private(folder.subject_key, partial / folder.subject_key.name)
        _copy_database(folder.names, partial / folder.names.name)
    digests = {str(path.relative_to(partial)): _sha256(path) for path in sorted(partial.rglob("*")) if path.is_file()}
    manifest = Manifest(FORMAT, clock.now_ns(), last_position, digests)
    replace_file(partial / _MANIFEST, json.dumps(asdict(manifest), indent=1).encode())
    _sync_tree(partial)
    partial.rename(target)
    journal_day.sync(target.parent)
    return manifest


def restore(source: Path, folder: Folder) -> Manifest:
    """Bring a backup back into an empty folder; a cut-off restore is refused by ``Folder.create``.

    Raises:
        FolderError: when the folder is not empty, or a file of the backup is missing or not what was written.
        FormatVersionError: when a newer release made the backup.
    """
    if folder.path.exists() and any(path != folder.lock_file for path in folder.path.iterdir()):
        raise FolderError(folder.path, "the folder is not empty", "Restore into an empty folder.")
    manifest = _read_manifest(source)
    partial = folder.unfinished_restore
    partial.mkdir(mode=0o700, parents=True)
    folder.path.chmod(0o700)
    for name, expected in manifest.files.items():
        copy = partial / name
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            _copy_private(source / name, copy)
        except FileNotFoundError as error:
            raise FolderError(source / name, "the file is missing in the backup", "Use another backup.") from error
        if _sha256(copy) != expected:
            raise FolderError(source / name, "its digest differs from the manifest's", "Use another backup.")
    _sync_tree(partial)
    for part in sorted(partial.iterdir()):
        part.rename(folder.path / part.name)
    journal_day.sync(folder.path)
    partial.rmdir()
    journal_day.sync(folder.path)
    return manifest


def _read_manifest(source: Path) -> Manifest:
    path = source / _MANIFEST
    try:
        found = json.loads(path.read_bytes())
        version = int(found["format"])
        if version > FORMAT:
            raise FormatVersionError(path, version, FORMAT)
        manifest = Manifest(**found)
        inside = all((source / name).resolve().is_relative_to(source.resolve()) for name in manifest.files)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise FolderError(path, f"no readable manifest ({error})", "Name a folder that a backup made.") from error
    if not inside:
        raise FolderError(path, "it names a file outside the backup", "Use another backup.")
    return manifest


def _copy_journal(days: list[tuple[date, Path]], target: Path) -> int:
    """Copy the days oldest first, so that what is copied is a gapless beginning of what is there."""
    target.mkdir(mode=0o700)
    last = 0
    for _, path in days:
        try:
            _copy_database(path, target / path.name)
        except sqlite3.Error as error:
            raise FolderError(path, f"the day cannot be copied ({error})", "Run the backup again.") from error
        _, last = journal_day.inspect(target / path.name)
    return last


def _copy_database(source: Path, target: Path) -> None:
    """Copy a database that may be in use into one plain file, through the database's own copying.

    Reading the file itself would drop the locks that this process holds on it.
    """
    target.touch(mode=0o600)
    with (
        contextlib.closing(journal_day.connect_reader(source)) as reader,
        contextlib.closing(sqlite3.connect(target, isolation_level=None)) as writer,
    ):
        reader.backup(writer)
        writer.execute("pragma journal_mode = delete")


def _copy_snapshots(source: Path, target: Path) -> None:
    if source.exists():
        for path in sorted(source.rglob("*")):
            inside = path.relative_to(source)
            if path.is_file() and not any(part.endswith(_UNFINISHED) for part in inside.parts):
                _copy_private(path, target / inside)


def _copy_private(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    target.touch(mode=0o600)
    shutil.copyfile(source, target)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_tree(root: Path) -> None:
    for path in [*root.rglob("*"), root]:
        journal_day.sync(path)
