"""A backup holds all that cannot be derived, and comes back only whole."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.domain.entries import Entry, NewBatch
from tollspan_rater.errors import FolderError, FormatVersionError
from tollspan_rater.ingest.journal import Journal
from tollspan_rater.store.backup import backup, restore
from tollspan_rater.store.folder import Folder
from tollspan_rater.store.names import Names

DAY_NS = 86_400 * 10**9


def batch(number: int) -> NewBatch:
    return NewBatch(number, "acme", "collector", "otlp-proto", b"%d" % number * 500)


def everything(journal: Journal) -> list[Entry]:
    return journal.read(0, max_entries=10**6, max_bytes=10**9)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(0)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path / "data")
    folder.create()
    (folder.snapshots / "s1.partial").mkdir()
    (folder.snapshots / "s1").mkdir()
    (folder.snapshots / "s1" / "spans.parquet").write_bytes(b"parquet")
    return folder


@pytest.fixture
def journal(folder: Folder, clock: FixedClock) -> Iterator[Journal]:
    with closing(Journal(folder.journal, clock)) as journal:
        for day in range(3):
            clock.set(day * DAY_NS)
            journal.append([batch(day * 2), batch(day * 2 + 1)])
        yield journal


@pytest.fixture
def restored(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "restored")


def test_what_is_backed_up_while_it_is_open_comes_back(
    folder: Folder, journal: Journal, clock: FixedClock, restored: Folder, tmp_path: Path
) -> None:
    with closing(Names(folder)) as names:
        key = names.subject_id("acme", "ada")
        names.remember("acme", {key: "ada"})
        manifest = backup(folder, tmp_path / "backup", clock)
    assert manifest.last_position == 6
    journal.append([batch(6)])
    assert restore(tmp_path / "backup", restored) == manifest
    restored.create()
    with closing(Journal(restored.journal, clock)) as again, closing(Names(restored)) as names:
        assert [entry.position for entry in everything(again)] == [1, 2, 3, 4, 5, 6]
        assert names.subject_id("acme", "ada") == key
        assert names.name_of("acme", [key]) == {key: "ada"}
        assert again.append([batch(6)]) == [7]
    assert (restored.snapshots / "s1" / "spans.parquet").read_bytes() == b"parquet"
    assert [path.name for path in restored.snapshots.iterdir()] == ["s1"]
    assert {path.stat().st_mode & 0o077 for path in restored.path.rglob("*")} == {0}


def test_a_backup_beside_a_writer_is_a_gapless_beginning(
    folder: Folder, journal: Journal, clock: FixedClock, restored: Folder, tmp_path: Path
) -> None:
    stop = threading.Event()

    def write() -> None:
        number = 6
        while not stop.is_set():
            clock.set(number // 20 * DAY_NS)
            journal.append([batch(number)])
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        manifests = [backup(folder, tmp_path / f"backup-{number}", clock) for number in range(3)]
    finally:
        stop.set()
        writer.join()
    restore(tmp_path / "backup-2", restored)
    with closing(Journal(restored.journal, clock)) as again:
        found = everything(again)
        assert len(found) == again.last_position == manifests[-1].last_position
        assert found == everything(journal)[: len(found)]
        assert len(everything(journal)) == journal.last_position


def test_an_empty_folder_can_be_backed_up(tmp_path: Path, clock: FixedClock, restored: Folder) -> None:
    empty = Folder(tmp_path / "empty")
    empty.create()
    assert backup(empty, tmp_path / "backup", clock).last_position == 0
    restore(tmp_path / "backup", restored)
    restored.create()
    with closing(Journal(restored.journal, clock)) as journal:
        assert journal.last_position == 0


def test_a_target_that_exists_is_left_alone(
    folder: Folder, journal: Journal, clock: FixedClock, tmp_path: Path
) -> None:
    with pytest.raises(FolderError, match="exists already"):
        backup(folder, tmp_path, clock)


def full_disk(source: Path, target: Path) -> None:
    raise OSError("full")


@contextmanager
def fails_with_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr("shutil.copyfile", full_disk)
        with pytest.raises(OSError, match="full"):
            yield


def test_a_cut_off_backup_leaves_no_target_and_can_be_repeated(
    folder: Folder, journal: Journal, clock: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fails_with_a_full_disk(monkeypatch):
        backup(folder, tmp_path / "backup", clock)
    assert not (tmp_path / "backup").exists()
    assert backup(folder, tmp_path / "backup", clock).last_position == 6


def test_a_cut_off_restore_is_not_taken_for_a_folder(
    folder: Folder,
    journal: Journal,
    clock: FixedClock,
    restored: Folder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backup(folder, tmp_path / "backup", clock)
    with fails_with_a_full_disk(monkeypatch):
        restore(tmp_path / "backup", restored)
    with pytest.raises(FolderError, match="restore was cut off"):
        restored.create()
    with pytest.raises(FolderError, match="not empty"):
        restore(tmp_path / "backup", restored)


@pytest.mark.parametrize("file", ["journal/1970-01-02.sqlite", "snapshots/s1/spans.parquet"])
@pytest.mark.parametrize("damage", ["flip", "remove"])
def test_a_damaged_backup_is_refused(
    folder: Folder, journal: Journal, clock: FixedClock, restored: Folder, tmp_path: Path, file: str, damage: str
) -> None:
    backup(folder, tmp_path / "backup", clock)
    path = tmp_path / "backup" / file
    content = path.read_bytes()
    path.unlink()
    if damage == "flip":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(FolderError, match=r"digest differs|is missing"):
        restore(tmp_path / "backup", restored)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"format": 2}, FormatVersionError),
        ({"files": {"../outside": "00"}}, FolderError),
        ({"files": None}, FolderError),
        ({"other": 1}, FolderError),
        ({"format": "x"}, FolderError),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused(
    folder: Folder,
    clock: FixedClock,
    restored: Folder,
    tmp_path: Path,
    change: dict[str, object],
    error: type[Exception],
) -> None:
    backup(folder, tmp_path / "backup", clock)
    path = tmp_path / "backup" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(error):
        restore(tmp_path / "backup", restored)
    assert not restored.path.exists()


def test_a_day_dropped_meanwhile_is_noticed(
    folder: Folder, journal: Journal, clock: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drop(source: Path, target: Path) -> None:
        journal.drop_day(journal.days()[0].date, 6)

    monkeypatch.setattr("tollspan_rater.store.backup._copy_snapshots", drop)
    with pytest.raises(FolderError, match="Run the backup again"):
        backup(folder, tmp_path / "backup", clock)


def test_the_copies_need_no_side_files(folder: Folder, journal: Journal, clock: FixedClock, tmp_path: Path) -> None:
    backup(folder, tmp_path / "backup", clock)
    assert sorted(path.name for path in (tmp_path / "backup" / "journal").iterdir()) == [
        "1970-01-01.sqlite",
        "1970-01-02.sqlite",
        "1970-01-03.sqlite",
    ]
    with closing(sqlite3.connect(tmp_path / "backup" / "journal" / "1970-01-03.sqlite")) as db:
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)
