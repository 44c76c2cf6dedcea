"""The file opens after any end of its writer, and refuses what it does not know."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
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
