"""The store is derived: deleted, damaged, or cut off while it is made again, it comes back with the same facts."""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from tests.crash.traffic import request
from tollspan_rater.config.sources import resolve
from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.domain.entries import NewBatch
from tollspan_rater.errors import StoreDamagedError, StoreDeadError
from tollspan_rater.server.care import rebuild, take_snapshot
from tollspan_rater.server.opening import STORE_FILE
from tollspan_rater.server.rater import Rater
from tollspan_rater.store.database import Database
from tollspan_rater.store.digest import table_digests
from tollspan_rater.store.folder import Folder

DAY_NS = 86_400 * 10**9
NOW_NS = 1_795_220_176_000_000_000


@contextmanager
def owned(path: Path, clock: FixedClock) -> Iterator[Rater]:
    folder = Folder(path)
    folder.create()
    with folder.lock("test"):
        rater = Rater(folder, resolve({"data": str(path)}, {}, path), clock)
        rater.start()
        try:
            yield rater
        finally:
            rater.close()


def send(rater: Rater, first: int, count: int = 3) -> None:
    """Append some requests, each a second time."""
    made = [request(1, number, NOW_NS) for number in range(first, first + count)]
    now_ns = rater.clock.now_ns()
    rater.append([NewBatch(now_ns, "default", "load", "otlp-proto", each.body) for each in made * 2])


def digests(rater: Rater) -> dict[str, str]:
    rater.writer.wait_for(rater.journal.last_position, 20)
    return table_digests(rater.database.reader())


@pytest.fixture
def filled(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A folder with three days, the first of which a snapshot covers; and its digests."""
    clock = FixedClock(NOW_NS)
    with owned(tmp_path / "data", clock) as rater:
        send(rater, 0)
        rater.execute("customer.set", {"customer": "acme", "name": "Acme"}, tenant="default", actor="test")
        clock.set(NOW_NS + DAY_NS)
        send(rater, 10)
        taken = take_snapshot(rater, {}, "default", "test")
        assert len(taken.body["days_dropped"]) == 1
        clock.set(NOW_NS + 2 * DAY_NS)
        send(rater, 0, 12)
        return tmp_path / "data", digests(rater)


def assert_same(path: Path, expected: dict[str, str]) -> None:
    with owned(path, FixedClock(NOW_NS + 2 * DAY_NS)) as rater:
        assert digests(rater) == expected
        assert rater.ask("audit", {"full": "1"}, tenant="default").ok


def test_rebuild_gives_the_same_facts_after_a_covered_day_is_gone(filled: tuple[Path, dict[str, str]]) -> None:
    path, expected = filled
    with owned(path, FixedClock(NOW_NS + 2 * DAY_NS)) as rater:
        receipt = rebuild(rater, {}, "default", "test")
        assert receipt.body["same"]
        assert receipt.body["tables"] == expected
    assert_same(path, expected)


def test_rebuild_gives_the_same_facts_from_the_journal_alone(tmp_path: Path) -> None:
    with owned(tmp_path / "data", FixedClock(NOW_NS)) as rater:
        send(rater, 0)
        expected = digests(rater)
        assert rebuild(rater, {}, "default", "test").body == {
            "same": True,
            "differing_tables": [],
            "tables": expected,
        }
        send(rater, 2)
        assert digests(rater) != expected


def gone(store: Path) -> None:
    for file in store.iterdir():
        file.unlink()
    store.rmdir()


def main_file_gone(store: Path) -> None:
    """Only the log stays: it belongs to no file and must not be replayed into a new one."""
    with duckdb.connect(str(store / "other")) as other:
        other.execute("CREATE TABLE entries (position BIGINT)")
        (store / f"{STORE_FILE}.wal").write_bytes((store / "other.wal").read_bytes())
    (store / "other").unlink()
    (store / STORE_FILE).unlink()


def garbage(store: Path) -> None:
    (store / STORE_FILE).write_bytes(b"no database" * 5000)


def empty(store: Path) -> None:
    (store / STORE_FILE).write_bytes(b"")


def flipped(store: Path) -> None:
    damaged = bytearray((store / STORE_FILE).read_bytes())
    for at in range(12_388, len(damaged), 4096):
        damaged[at] ^= 0xFF
    (store / STORE_FILE).write_bytes(damaged)


def foreign(store: Path) -> None:
    (store / STORE_FILE).unlink()
    duckdb.connect(str(store / STORE_FILE)).close()


@pytest.mark.parametrize("harm", [gone, main_file_gone, garbage, empty, flipped, foreign])
def test_a_store_that_is_missing_or_damaged_comes_back_at_the_next_start(
    filled: tuple[Path, dict[str, str]], harm: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    path, expected = filled
    harm(path / "store")
    with caplog.at_level(logging.WARNING, "tollspan"):
        assert_same(path, expected)
    damaged = harm not in {gone, main_file_gone}
    assert ("is damaged" in caplog.text) == damaged
    assert (path / "store" / f"{STORE_FILE}.damaged").exists() == damaged


def test_damage_that_only_some_questions_meet_is_healed_by_rebuild(filled: tuple[Path, dict[str, str]]) -> None:
    path, expected = filled
    file = path / "store" / STORE_FILE
    os.truncate(file, file.stat().st_size // 2)
    with owned(path, FixedClock(NOW_NS + 2 * DAY_NS)) as rater:
        with pytest.raises(duckdb.IOException):
            digests(rater)
        receipt = rebuild(rater, {}, "default", "test")
        assert (receipt.body["same"], receipt.body["tables"]) == (False, expected)
        assert rater.ask("audit", {"full": "1"}, tenant="default").ok
    assert_same(path, expected)


def test_a_torn_log_of_the_store_costs_nothing(tmp_path: Path) -> None:
    """A log with a bad entry in its middle is damage, too."""
    path = tmp_path / "data"
    with owned(path, FixedClock(NOW_NS)) as rater:
        send(rater, 0)
        send(rater, 5)
        expected = digests(rater)
        store = {file.name: file.read_bytes() for file in (path / "store").iterdir()}
    log = bytearray(store[f"{STORE_FILE}.wal"])
    log[len(log) // 3] ^= 0xFF
    for name, content in ((STORE_FILE, store[STORE_FILE]), (f"{STORE_FILE}.wal", bytes(log))):
        (path / "store" / name).write_bytes(content)
    with pytest.raises(StoreDamagedError, match="tollspan rebuild"):
        Database(path / "store" / STORE_FILE)
    assert_same(path, expected)


HOLDER = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


def test_a_file_that_another_process_reads_is_left_alone(filled: tuple[Path, dict[str, str]]) -> None:
    path, expected = filled
    command = [sys.executable, "-c", HOLDER, str(path / "store" / STORE_FILE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreDeadError, match="lock") as raised:
            Database(path / "store" / STORE_FILE)
        assert not isinstance(raised.value, StoreDamagedError)
    assert_same(path, expected)
    assert not list((path / "store").glob("*.damaged"))


@pytest.mark.parametrize("failpoint", ["before_commit:1", "rebuild:2"])
def test_a_rebuild_that_is_killed_leaves_a_whole_store(filled: tuple[Path, dict[str, str]], failpoint: str) -> None:
    path, expected = filled
    done = subprocess.run(
        [sys.executable, "-m", "tollspan_rater", "rebuild", "--data", str(path)],
        env={**os.environ, "TOLLSPAN_FAILPOINT": failpoint},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert_same(path, expected)
    assert [file.name for file in (path / "store").iterdir()] == [STORE_FILE]
