"""The file opens after any end of its writer, and refuses what it does not know."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import duckdb
import pyarrow as pa
import pytest

from tollspan_rater.errors import FormatVersionError, StoreDeadError
from tollspan_rater.store.database import Database
from tollspan_rater.store.tables import table


def _entry(position: int) -> tuple[object, ...]:
    return (position, "batch", "default", 1, "sender", 0)


def test_what_was_appended_is_there_after_reopening(tmp_path: Path) -> None:
    database = Database(tmp_path / "store.duckdb")
    database.append({"entries": table("entries", [_entry(1), _entry(2)])})
    database.close()
    again = Database(tmp_path / "store.duckdb")
    assert again.position() == 2
    again.close()


def test_a_file_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    Database(tmp_path / "store.duckdb").close()
    with duckdb.connect(str(tmp_path / "store.duckdb")) as connection:
        connection.execute("DELETE FROM meta")
        connection.execute("INSERT INTO meta VALUES ('format', '99')")
    with pytest.raises(FormatVersionError, match="format 99"):
        Database(tmp_path / "store.duckdb")


def test_a_failed_append_kills_the_store_until_it_is_reopened(tmp_path: Path) -> None:
    database = Database(tmp_path / "store.duckdb")
    bad = table("entries", [_entry(1)]).rename_columns(
        ["no_such_column", "kind", "tenant", "at_ns", "sender", "pieces"]
    )
    with pytest.raises(StoreDeadError):
        database.append({"entries": bad})
    with pytest.raises(StoreDeadError, match="reopened"):
        database.append({"entries": table("entries", [_entry(1)])})
    database.reopen()
    database.append({"entries": table("entries", [_entry(1)])})
    assert database.position() == 1
    database.close()


KILLED = """
import os, signal, sys
from pathlib import Path
from tollspan_rater.store.database import Database
from tollspan_rater.store.tables import table
window = sys.argv[2]
armed = False
def failpoint(name):
    if armed and name == window:
        os.kill(os.getpid(), signal.SIGKILL)
database = Database(Path(sys.argv[1]), failpoint)
database.append({"entries": table("entries", [(1, "batch", "t", 1, "s", 0)])})
armed = True
database.append({"entries": table("entries", [(2, "batch", "t", 1, "s", 0)])})
"""


@pytest.mark.parametrize(("window", "position"), [("before_commit", 1), ("after_commit", 2)])
def test_a_kill_around_commit_leaves_all_or_nothing(tmp_path: Path, window: str, position: int) -> None:
    path = tmp_path / "store.duckdb"
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), window], env=dict(os.environ), check=False)
    assert done.returncode == -signal.SIGKILL
    database = Database(path)
    assert database.position() == position
    database.close()


def test_a_creation_that_was_cut_short_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "store.duckdb.new").write_bytes(b"half a file")
    database = Database(tmp_path / "store.duckdb")
    assert database.position() == 0
    database.close()


def test_a_replacement_that_is_cut_short_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, made = tmp_path / "store.duckdb", tmp_path / "made.duckdb"
    Database(made).close()
    database = Database(path)
    database.append({"entries": table("entries", [_entry(1)])})
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            database.replace_with(made)
    again = Database(path)
    assert again.position() == 1
    again.replace_with(made)
    assert again.position() == 0
    again.append({"entries": table("entries", [_entry(2)])})
    again.close()
    assert not made.exists()


def test_readers_of_all_threads_see_the_store_that_came_in_its_place(tmp_path: Path) -> None:
    """A reader of the old file must neither keep it alive nor take the new one's log away when it goes."""
    path, made = tmp_path / "store.duckdb", tmp_path / "made.duckdb"
    other = Database(made)
    other.append({"entries": table("entries", [_entry(7)])})
    other.close()
    database = Database(path)
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(database.position).result() == 0
        database.replace_with(made)
        database.append({"entries": table("entries", [_entry(8)])})
        assert thread.submit(database.position).result() == 8
    shutil.copytree(tmp_path, tmp_path / "after a kill")
    database.close()
    found = Database(tmp_path / "after a kill" / "store.duckdb")
    assert found.position() == 8
    found.close()


def test_a_store_comes_in_its_place_when_the_call_of_a_reader_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, made = tmp_path / "store.duckdb", tmp_path / "made.duckdb"
    Database(made).close()
    database = Database(path)
    database.append({"entries": table("entries", [_entry(1)])})
    asked, may_end = Event(), Event()

    def numbers() -> Iterator[pa.RecordBatch]:
        asked.set()
        assert may_end.wait(30)
        yield pa.record_batch({"number": [1, 2]})

    def question() -> object:
        slow = pa.RecordBatchReader.from_batches(pa.schema({"number": pa.int64()}), numbers())
        return database.reader().from_arrow(slow).query("slow", "SELECT sum(number) FROM slow").fetchall()

    def refused(seconds: float) -> None:
        may_end.set()
        pause(seconds)

    pause = time.sleep
    monkeypatch.setattr(time, "sleep", refused)
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(question)
        assert asked.wait(30)
        database.replace_with(made)
        assert answer.result(30) == [(3,)]
    assert may_end.is_set()
    assert database.position() == 0
    database.close()
