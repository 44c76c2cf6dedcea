"""Look-ups answer what a scan of the table would, whatever became of the index and of the process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.calls import a_call
from tollspan_rater.store import lookup
from tollspan_rater.store.database import Database
from tollspan_rater.store.key_index import KeyIndex
from tollspan_rater.store.legs import leg
from tollspan_rater.store.lookup import known_links, known_traces, legs_of_traces, spans_of_traces, traces_of_links
from tollspan_rater.store.tables import table

BLOCK = 4
KEYS = range(-2, 7)  # traces and links of all rows; look-ups ask for one more on each side
Row = tuple[int, int | None]  # trace key, link key

_SPANS_OF = """
SELECT tenant, trace_id, span_id, parent_id, position, ordinal, start_ns, end_ns, fate, role, final, digest, evidence,
       trace_key, link_key, at_position
FROM spans WHERE list_contains(?, trace_key)
"""


def open_store(folder: Path) -> Database:
    return Database(folder / "store.duckdb", block_rows=BLOCK)


def files_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("store.duckdb.keys/*"))


def append(database: Database, rows: Iterable[Row]) -> None:
    """Append spans and a leg for each of them in one transaction, at the next position."""
    position = database.position() + 1
    spans = [
        ("t", trace, link, f"{trace}", f"{position}:{at}", "", position, at, 1, 2, "stored", None, "call", True,
         False, "d", "s", None, None, "{}", position)
        for at, (trace, link) in enumerate(rows)
    ]  # fmt: skip
    legs = [
        leg(a_call(f"c_{position}_{at}", trace=f"{trace & (2**64 - 1):032x}"), position=position, revision=1)
        for at, (trace, _) in enumerate(rows)
    ]
    database.append(
        {
            "entries": table("entries", [(position, "batch", "t", 1, "s", len(spans))]),
            "spans": table("spans", spans),
            "legs": table("legs", legs),
        }
    )


def check(database: Database, wanted: Iterable[int]) -> None:
    """Every look-up gives what a scan gives."""
    keys = list(wanted)

    def scan(query: str) -> list[tuple[Any, ...]]:
        return database.reader().execute(query, [keys]).fetchall()

    assert known_traces(database, keys) == {
        row[0] for row in scan("SELECT trace_key FROM spans WHERE list_contains(?, trace_key)")
    }
    assert known_links(database, keys) == {
        row[0] for row in scan("SELECT link_key FROM spans WHERE list_contains(?, link_key)")
    }
    found = [tuple(getattr(span, name) for name in span.__slots__) for span in spans_of_traces(database, keys)]
    assert sorted(found) == sorted(scan(_SPANS_OF))
    assert traces_of_links(database, keys) == {
        row[0] for row in scan("SELECT trace_key FROM spans WHERE list_contains(?, link_key)")
    }
    legs = scan("SELECT * FROM legs WHERE list_contains(?, trace_key)")
    assert sorted(legs_of_traces(database, keys), key=repr) == sorted(legs, key=repr)


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def _swap(path: Path) -> None:
    """Give the file of a block the content of the first block of that column."""
    shutil.copy(path.with_suffix(".000000"), path)


HARMS: list[Callable[[Path], None]] = [Path.unlink, _cut, _flip, _swap]

ROWS = st.lists(st.tuples(st.sampled_from(KEYS), st.none() | st.sampled_from(KEYS)), max_size=2 * BLOCK + 1)
STEPS = st.one_of(
    st.tuples(st.just("append"), ROWS),
    st.tuples(st.just("ask"), st.lists(st.integers(KEYS.start - 1, KEYS.stop), unique=True)),
    st.tuples(st.just("restart"), st.lists(st.tuples(st.sampled_from(HARMS), st.integers(0, 9)), max_size=3)),
    st.tuples(st.just("delete the folder"), st.booleans()),
    st.tuples(st.just("reopen"), st.none()),
)


def harm(folder: Path, harms: list[tuple[Callable[[Path], None], int]]) -> None:
    for do, number in harms:
        files = files_of(folder)
        if files:
            with suppress(shutil.SameFileError, FileNotFoundError):
                do(files[number % len(files)])


@settings(max_examples=40, deadline=None)
@given(st.lists(STEPS, max_size=14))
def test_look_ups_equal_a_scan_after_any_history(empty_store: Path, steps: list[tuple[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(empty_store, folder / "store.duckdb")
        database = open_store(folder)
        for step, what in steps:
            if step == "append":
                append(database, what)
            elif step == "ask":
                check(database, what)
            elif step == "restart":
                database.close()
                harm(folder, what)
                database = open_store(folder)
            elif step == "delete the folder":
                shutil.rmtree(folder / "store.duckdb.keys", ignore_errors=True)
            else:
                database.reopen()
        for _ in range(3):  # each look-up takes in one block more
            check(database, KEYS)
        database.close()


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "store.duckdb"
    Database(path).close()
    return path


def fill(folder: Path, rows: int = 3 * BLOCK + 1) -> Database:
    """Make a store in which trace and link of row n are n, and look up often enough that the index holds it all."""
    database = open_store(folder)
    append(database, [(number, number) for number in range(rows)])
    for _ in range(5):
        check(database, [1])
    return database


def test_an_index_that_is_whole_leaves_nothing_to_scan(tmp_path: Path) -> None:
    database = fill(tmp_path)
    assert [database.keys_of(name).rest for name in ("spans", "legs")] == [None, None]
    assert [file.name for file in files_of(tmp_path)] == [
        f"{column}.{number:06d}"
        for column in ("legs.trace_key", "spans.link_key", "spans.trace_key")
        for number in range(3)
    ]
    database.close()


def test_files_are_taken_in_after_a_restart_and_not_made_again(tmp_path: Path) -> None:
    fill(tmp_path).close()
    before = {file: file.stat().st_ino for file in files_of(tmp_path)}
    database = open_store(tmp_path)
    assert [database.keys_of("spans").rest for _ in range(4)] == [4, 8, 12, None]
    check(database, range(20))
    database.close()
    assert {file: file.stat().st_ino for file in files_of(tmp_path)} == before


@pytest.mark.parametrize("harm", HARMS)
def test_a_file_that_the_store_does_not_prove_is_made_again(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    fill(tmp_path).close()
    harmed = tmp_path / "store.duckdb.keys" / "spans.trace_key.000001"
    good = harmed.read_bytes()
    harm(harmed)
    database = open_store(tmp_path)
    for _ in range(4):
        check(database, range(20))
    database.close()
    assert harmed.read_bytes() == good


def test_an_older_copy_of_the_store_is_not_answered_from_a_newer_index(tmp_path: Path) -> None:
    database = open_store(tmp_path)
    append(database, [(1, 1), (2, 2)])
    database.checkpoint()
    shutil.copy(tmp_path / "store.duckdb", tmp_path / "older")
    append(database, [(3, 3), (4, 4), (5, 5)])
    check(database, range(9))
    database.close()
    shutil.move(tmp_path / "older", tmp_path / "store.duckdb")
    again = open_store(tmp_path)
    check(again, range(9))
    append(again, [(6, 6), (7, 7), (8, 8)])
    check(again, range(9))
    check(again, range(9))
    again.close()


def test_a_store_that_takes_the_place_of_another_brings_its_index(tmp_path: Path) -> None:
    old, made = tmp_path / "old", tmp_path / "made"
    database, other = fill(old), Database(made / "store.duckdb", block_rows=BLOCK)
    append(other, [(100 + number, None) for number in range(BLOCK)])
    check(other, [100])
    other.close()
    database.replace_with(made / "store.duckdb")
    check(database, [1, 100, 103])
    assert len(files_of(old)) == 3
    assert not files_of(made)
    check(database, [1, 100, 103])
    database.close()


def test_without_room_for_its_files_the_index_stays_in_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "store.duckdb.keys").write_text("a file where the folder should be")
    database = fill(tmp_path)
    check(database, range(20))
    assert database.keys_of("spans").rest is None
    assert "store.duckdb.keys" in caplog.text
    database.close()


def test_rows_that_are_not_numbered_without_gaps_are_scanned(tmp_path: Path) -> None:
    database = fill(tmp_path, rows=BLOCK)
    append(database, [(7, 7), (8, 8), (9, 9)])
    database.reader().execute("DELETE FROM spans WHERE trace_key = 8")
    check(database, range(20))
    assert database.keys_of("spans").rest == BLOCK
    check(database, range(20))
    database.close()


def test_runs_in_memory_stay_few(tmp_path: Path) -> None:
    database = Database(tmp_path / "store.duckdb", block_rows=1_000)
    for number in range(60):
        append(database, [(number, number)])
        assert len(database.keys_of("spans").runs["trace_key"]) <= (number + 1).bit_length()
    check(database, range(70))
    database.close()


def test_a_block_that_is_not_full_any_more_is_not_taken_in(tmp_path: Path) -> None:
    """Rows without a key leave no trace in the digest, so the number of rows has to be compared too."""
    index = KeyIndex(tmp_path / "keys", "spans", ["link_key"], BLOCK)
    full, older = (Database(tmp_path / name / "store.duckdb") for name in ("full", "older"))
    append(older, [(1, 1), (2, None)])
    append(full, [(1, 1), (2, None), (3, None), (4, None)])
    assert index.view(full.reader(), (full, 1)).rest == BLOCK
    assert index.view(older.reader(), (older, 1)).rest is None
    assert index.view(full.reader(), (full, 2)).rest == BLOCK
    full.close()
    older.close()


def test_more_rows_than_one_query_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "_FEW", 3)
    monkeypatch.setattr(lookup, "_MANY", 7)
    database = fill(tmp_path)
    for wanted in range(1, 13):
        check(database, range(wanted))
    database.close()


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.store.test_lookup import BLOCK, append, check
from tollspan_rater.store.database import Database
armed = False
def failpoint(name):
    if armed and name == "after_commit":
        os.kill(os.getpid(), signal.SIGKILL)
database = Database(Path(sys.argv[1]) / "store.duckdb", failpoint, BLOCK)
append(database, [(1, 1), (2, 2), (3, None)])
check(database, [1])
armed = True
append(database, [(4, 4), (1, 1), (5, 5), (2, None)])
"""


def test_a_kill_between_commit_and_the_index_hides_nothing(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=dict(os.environ), check=False)
    assert done.returncode == -signal.SIGKILL
    assert not files_of(tmp_path)
    database = open_store(tmp_path)
    assert known_traces(database, range(9)) == {1, 2, 3, 4, 5}
    check(database, range(9))
    database.close()


def test_a_long_transaction_keeps_its_rows_numbered(tmp_path: Path) -> None:
    """DuckDB writes such a one in several groups; a copy of file and log stands for what a kill leaves."""
    count, chosen = 300_000, [0, 122_879, 122_880, 250_000, 299_999]
    alive = tmp_path / "alive"
    database = Database(alive / "store.duckdb", block_rows=100_000)
    append(database, [(1, 1)])
    row = database.reader().sql("SELECT * FROM spans").to_arrow_table()
    many = pa.table({name: row[name].take(pa.array([0] * count)) for name in row.column_names})
    at = row.schema.get_field_index("trace_key")
    database.append({"spans": many.set_column(at, "trace_key", pa.array(range(10, count + 10), pa.int64()))})
    shutil.copytree(alive, tmp_path / "after a kill")
    killed = Database(tmp_path / "after a kill" / "store.duckdb", block_rows=100_000)
    for store in (database, killed):
        while store.keys_of("spans").rest is not None:
            pass
        wanted = [10 + number for number in chosen]
        assert sorted(span.trace_key for span in spans_of_traces(store, wanted)) == wanted
        store.close()
