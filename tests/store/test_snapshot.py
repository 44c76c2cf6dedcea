"""A snapshot proves what it holds."""

from pathlib import Path

import pytest

from tests.store.calls import a_call
from tollspan_rater.errors import UsageError
from tollspan_rater.store import snapshot
from tollspan_rater.store.database import Database
from tollspan_rater.store.digest import table_digests
from tollspan_rater.store.legs import difference
from tollspan_rater.store.tables import table


def _filled(path: Path) -> Database:
    database = Database(path)
    legs, _ = difference({}, [a_call("c_1"), a_call("c_2", tags=(("a", "b"),))], 7)
    entries = [(7, "batch", "default", 1, "sender", 2)]
    database.append({"legs": table("legs", legs), "entries": table("entries", entries)})
    return database


def test_a_store_filled_from_a_snapshot_has_the_same_digest(tmp_path: Path) -> None:
    database = _filled(tmp_path / "a.duckdb")
    taken = snapshot.take(database, tmp_path / "snapshots")
    assert taken.position == 7
    again = Database(tmp_path / "b.duckdb")
    snapshot.load(snapshot.newest(tmp_path / "snapshots") or taken, again)
    assert table_digests(again.reader()) == table_digests(database.reader())
    assert again.position() == 7
    database.close()
    again.close()


def test_a_changed_file_is_found(tmp_path: Path) -> None:
    database = _filled(tmp_path / "a.duckdb")
    taken = snapshot.take(database, tmp_path / "snapshots")
    database.close()
    path = taken.folder / "legs.parquet"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(UsageError, match=r"legs\.parquet differs"):
        snapshot.verify(taken.folder)


def test_a_snapshot_that_was_cut_short_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "snapshots" / "000000000009.new").mkdir(parents=True)
    assert snapshot.newest(tmp_path / "snapshots") is None
