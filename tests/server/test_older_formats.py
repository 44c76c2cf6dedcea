"""A folder that an older release wrote comes up right: its store is made again, its snapshots still stand."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from tests.server.conftest import SECOND, Bench, call
from tollspan_rater.server.opening import STORE_FILE
from tollspan_rater.store.database import Database
from tollspan_rater.store.digest import ALL_COLUMNS, table_digests

NEW_COLUMNS = ("terms", "details", "conflicts")  # format 1 had none of them
NEW_TABLES = ("span_rules", "statements", "postings", "imported_revenue", "corrections", "uncorrected")
FORMAT_1 = {
    table: [name for name in names if name not in NEW_COLUMNS]
    for table, names in ALL_COLUMNS.items()
    if table not in NEW_TABLES
}


def as_format_1(store: Path) -> None:
    with duckdb.connect(str(store)) as connection:
        for view in ("settled_calls", "uncorrected_calls", "calls"):
            connection.execute(f"DROP VIEW {view}")
        for column in NEW_COLUMNS:
            connection.execute(f"ALTER TABLE legs DROP COLUMN {column}")
        for table in NEW_TABLES:
            connection.execute(f"DROP TABLE {table}")
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'format'")


def snapshot_as_format_1(folder: Path) -> None:
    legs = folder / "legs.parquet"
    pq.write_table(pq.read_table(legs).drop_columns(list(NEW_COLUMNS)), legs)
    manifest = json.loads((folder / "manifest.json").read_text())
    with duckdb.connect() as connection:
        for table in FORMAT_1:
            connection.read_parquet(f"{folder / table}.parquet").create_view(table)
        manifest["tables"] = table_digests(connection, FORMAT_1)
    manifest["files"]["legs.parquet"] = hashlib.sha256(legs.read_bytes()).hexdigest()
    for table in NEW_TABLES:
        (folder / f"{table}.parquet").unlink()
        del manifest["files"][f"{table}.parquet"]
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format": 1}))


def test_other_tables_under_the_same_number_are_made_again_too(bench: Bench) -> None:
    bench.send(call(1))
    before = bench.digests()
    bench.close()
    with duckdb.connect(str(bench.folder.store / STORE_FILE)) as connection:
        connection.execute("UPDATE meta SET value = 'other' WHERE key = 'tables'")
    assert bench.digests() == before
    assert list(bench.folder.store.glob("*.outdated*"))


def test_the_store_is_made_again_from_the_journal(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.send(call(1))
    bench.send(call(2, tollspan__service_tier="batch"))
    before, usage = bench.digests(), bench.usage()
    bench.close()
    store = bench.folder.store / STORE_FILE
    as_format_1(store)
    with caplog.at_level(logging.WARNING, "tollspan"):
        assert (bench.digests(), bench.usage()) == (before, usage)
    assert "has format 1 with tables of another release, this one writes format 3" in caplog.text
    assert store.with_name(f"{STORE_FILE}.outdated").exists()
    assert bench.ask("audit", full="true").ok


def test_a_snapshot_of_an_older_release_stands_for_the_days_that_left(bench: Bench) -> None:
    for number, now in enumerate(bench.days(count=3), 1):
        bench.send(call(number, start_ns=now - SECOND))
    taken = bench.execute("snapshot").body
    assert taken["days_dropped"]
    before, usage = bench.digests(), bench.usage()
    bench.close()
    as_format_1(bench.folder.store / STORE_FILE)
    snapshot_as_format_1(bench.folder.snapshots / taken["snapshot"])
    assert (bench.digests(), bench.usage()) == (before, usage)
    assert bench.ask("audit", full="true").ok


def test_a_changed_snapshot_of_an_older_release_is_still_found(bench: Bench) -> None:
    bench.send(call(1))
    folder = bench.folder.snapshots / bench.execute("snapshot").body["snapshot"]
    snapshot_as_format_1(folder)
    legs = pq.read_table(folder / "legs.parquet")
    pq.write_table(legs.slice(0, 0), folder / "legs.parquet")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["legs.parquet"] = hashlib.sha256((folder / "legs.parquet").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(Exception, match="does not hold what its manifest says"):
        bench.execute("rebuild")


def test_a_store_of_a_newer_release_is_left_alone(tmp_path: Path) -> None:
    Database(tmp_path / STORE_FILE).close()
    with duckdb.connect(str(tmp_path / STORE_FILE)) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'format'")
    with pytest.raises(Exception, match="Install the release that wrote it"):
        Database(tmp_path / STORE_FILE)
