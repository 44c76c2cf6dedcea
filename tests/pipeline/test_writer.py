"""The writer comes back from every failure of the disk, at the store's own position."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

from tests.extract.spans import SECOND
from tests.pipeline.rig import NOW, MemoryJournal, Rig
from tests.pipeline.stories import own, root
from tollspan_rater.domain.entries import Entry
from tollspan_rater.errors import JournalClosedError, StoreDeadError
from tollspan_rater.pipeline import writer as writer_module
from tollspan_rater.store.database import Database


@dataclass
class Failing:
    """A failpoint that raises once, or as often as told, in one window."""

    window: str = ""
    times: int = 1
    error: Exception = field(default_factory=lambda: OSError(28, "No space left on device"))

    def __call__(self, name: str) -> None:
        if name == self.window and self.times:
            self.times -= 1
            raise self.error


@pytest.fixture
def failing() -> Failing:
    return Failing()


@pytest.fixture
def rig(tmp_path: Path, failing: Failing) -> Iterator[Rig]:
    rig = Rig(tmp_path, failpoint=failing)
    yield rig
    rig.database.close()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again without waiting."""
    monkeypatch.setattr(writer_module, "RETRY_S", 0.001)


def running(rig: Rig, until: Callable[[], bool]) -> None:
    """Let the writer run in its thread until something holds."""
    thread = threading.Thread(target=rig.writer.run)
    thread.start()
    limit = threading.Event()
    for _ in range(2_000):
        if until():
            break
        limit.wait(0.005)
    rig.writer.stop()
    thread.join(10)
    assert until()


@pytest.mark.parametrize("window", ["before_commit", "after_commit"])
@pytest.mark.parametrize("error", [OSError(5, "I/O error"), duckdb.IOException("write"), duckdb.FatalException("gone")])
def test_a_failed_append_is_repeated_and_a_commit_that_counts_is_not(
    rig: Rig, failing: Failing, at_once: None, window: str, error: Exception
) -> None:
    """After COMMIT the transaction counts although its caller heard an error."""
    failing.window, failing.error = window, error
    rig.journal.batch(own(1), root(customer="acme"))
    rig.journal.batch(own(2))
    running(rig, lambda: rig.writer.position == 2)
    assert rig.writer.failure is None
    assert rig.counts() == {"stored": 3}
    assert rig.rows("SELECT count(*), sum(sign), sum(sign * input) FROM legs") == [(2, 2, 20)]
    assert rig.rows("SELECT position FROM entries ORDER BY ALL") == [(1,), (2,)]


def test_a_dead_store_refuses_until_it_is_opened_again(rig: Rig, failing: Failing) -> None:
    failing.window = "before_commit"
    rig.journal.batch(own(1))
    with pytest.raises(StoreDeadError, match="No space left"):
        rig.writer.step()
    with pytest.raises(StoreDeadError, match="reopened"):
        rig.writer.step()
    rig.writer._recover()
    assert rig.writer.step() == 1


@pytest.mark.parametrize("lookup", [1, 2, 3])
def test_a_failed_look_up_quarantines_nothing(
    rig: Rig, at_once: None, monkeypatch: pytest.MonkeyPatch, lookup: int
) -> None:
    """What cannot be looked up must be taken neither for absent nor for the span's fault."""
    rig.feed(own(1, said="resp_1"))
    reader, left = Database.reader, [lookup]

    def unreadable(database: Database) -> duckdb.DuckDBPyConnection:
        left[0] -= 1
        if left[0] == 0:
            raise duckdb.IOException("read")
        return reader(database)

    rig.journal.batch(own(1, said="resp_1"), own(2))
    with monkeypatch.context() as patched:
        patched.setattr(Database, "reader", unreadable)
        with pytest.raises(StoreDeadError, match="read"):
            rig.writer.step()
    running(rig, lambda: rig.writer.position == 2)
    assert rig.counts() == {"stored": 2, "duplicate": 1}


def test_an_instance_that_a_failed_checkpoint_killed_is_opened_again(rig: Rig, at_once: None) -> None:
    rig.feed(own(1))
    rig.database._writer.execute("SET debug_checkpoint_abort = 'before_header'")
    rig.journal.batch(own(2))
    reader = rig.database.reader()
    with pytest.raises(duckdb.FatalException):
        rig.database.checkpoint()
    running(rig, lambda: rig.writer.position == 2)
    assert rig.rows("SELECT sum(sign * input) FROM legs") == [(20,)]
    with pytest.raises(duckdb.Error):
        reader.execute("SELECT 1")


def test_a_store_that_cannot_be_opened_yet_is_tried_again(
    rig: Rig, failing: Failing, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing.window, left = "before_commit", [3]
    reopen = Database.reopen

    def refused(database: Database) -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise duckdb.IOException("disk")
        reopen(database)

    monkeypatch.setattr(Database, "reopen", refused)
    rig.journal.batch(own(1))
    running(rig, lambda: rig.writer.position == 1)
    assert left == [-1]
    assert rig.counts() == {"stored": 1}


class TroubledJournal(MemoryJournal):
    troubles: int = 2

    def read(self, after: int, *, max_entries: int, max_bytes: int) -> list[Entry]:
        if self.troubles:
            self.troubles -= 1
            raise JournalClosedError
        return super().read(after, max_entries=max_entries, max_bytes=max_bytes)


def test_trouble_of_the_journal_leaves_the_store_alone(tmp_path: Path, at_once: None) -> None:
    rig = Rig(tmp_path, TroubledJournal())
    rig.journal.batch(own(1))
    reader = rig.database.reader()
    running(rig, lambda: rig.writer.position == 1)
    assert reader.execute("SELECT max(position) FROM entries").fetchall() == [(1,)]
    rig.database.close()


def test_lag_is_the_age_of_the_oldest_entry_that_waits(rig: Rig, failing: Failing) -> None:
    assert rig.writer.lag_s(NOW) == 0
    failing.window = "before_commit"
    rig.journal.batch(own(1), received_ns=NOW)
    with pytest.raises(StoreDeadError):
        rig.writer.step()
    assert rig.writer.lag_s(NOW + 61 * SECOND) == 61
    assert rig.writer.lag_s(NOW - SECOND) == 0
    rig.writer._recover()
    rig.writer.catch_up()
    assert rig.writer.lag_s(NOW + 61 * SECOND) == 0


def test_while_paused_nothing_is_applied_and_afterwards_the_new_store_holds(rig: Rig, tmp_path: Path) -> None:
    rig.journal.batch(own(1))
    rig.journal.batch(own(2))
    (tmp_path / "made").mkdir()
    other = Rig(tmp_path / "made", MemoryJournal(rig.journal.entries[:1]))
    other.writer.catch_up()
    other.database.checkpoint()
    other.database.close()
    stepped = threading.Thread(target=rig.writer.step)
    with rig.writer.paused():
        stepped.start()
        stepped.join(0.05)
        assert rig.writer.position == 0
        rig.database.replace_with(other.path)
    stepped.join(10)
    assert rig.writer.position == 2
    assert rig.rows("SELECT position FROM entries ORDER BY ALL") == [(1,), (2,)]


def key(revoked: bool) -> dict[str, object]:
    return {"key_id": "k1", "hash": "0" * 64, "scopes": ["ingest"], "revoked": revoked}


@pytest.mark.parametrize("window", ["", "before_commit", "after_commit"])
def test_whoever_waits_for_a_revocation_finds_the_keys_changed(
    rig: Rig, failing: Failing, at_once: None, window: str
) -> None:
    rig.journal.command("key.create", key(revoked=False))
    rig.writer.catch_up()
    assert rig.writer.keys_changed_at == 1
    seen: list[int] = []
    waiting = threading.Thread(target=lambda: seen.append(rig.writer.wait_for(2, 10) and rig.writer.keys_changed_at))
    waiting.start()
    failing.window = window
    rig.journal.command("key.revoke", key(revoked=True))
    running(rig, lambda: rig.writer.position == 2)
    waiting.join(10)
    assert seen == [2]


def test_a_wait_ends_with_its_time(rig: Rig) -> None:
    assert not rig.writer.wait_for(1, 0.01)
    assert rig.writer.wait_for(0, 0.01)


def test_a_step_takes_the_batches_up_to_a_command(rig: Rig) -> None:
    rig.journal.batch(own(1))
    rig.journal.batch(own(2))
    rig.journal.command("customer.set", {"customer": "acme", "plans": []})
    rig.journal.command("of.a.later.release", {"what": "ever"})
    rig.journal.batch(own(3))
    assert [rig.writer.step() for _ in range(5)] == [2, 1, 1, 1, 0]
    assert rig.rows("SELECT kind, pieces FROM entries ORDER BY position") == [
        ("batch", 1),
        ("batch", 1),
        ("customer.set", 0),
        ("of.a.later.release", 0),
        ("batch", 1),
    ]
