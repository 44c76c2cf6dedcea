"""Group commit: positions arrive once durable, one fsync for all who wait, memory bounded."""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.domain.entries import NewBatch, NewCommand
from tollspan_rater.errors import JournalClosedError, JournalDiskError, JournalError, OverloadedError
from tollspan_rater.ingest.commit import CommitLimits, GroupCommit
from tollspan_rater.ingest.journal import Journal
from tollspan_rater.ingest.journal_row import Row


def batch(number: int) -> NewBatch:
    return NewBatch(number, "acme", "collector", "otlp-proto", b"%d" % number)


class HeldJournal(Journal):
    """A journal whose disk is slow: appends wait until they are let through, and fail on demand."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, FixedClock(0))
        self.groups: list[int] = []
        self.entered = threading.Semaphore(0)
        self.let_through = threading.Semaphore(0)
        self.failure: Exception | None = None

    def append_rows(self, rows: Sequence[Row]) -> list[int]:
        self.entered.release()
        assert self.let_through.acquire(timeout=10)
        self.groups.append(len(rows))
        if self.failure:
            raise self.failure
        return super().append_rows(rows)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[HeldJournal]:
    with closing(HeldJournal(tmp_path / "journal")) as journal:
        yield journal


def test_eight_threads_get_distinct_positions_that_hold_their_entry(tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "journal", FixedClock(0))) as journal:
        heard: list[int] = []
        commit = GroupCommit(journal, heard.append)
        with ThreadPoolExecutor(8) as threads:
            positions = list(threads.map(lambda number: commit.submit(batch(number)).result(10), range(400)))
        commit.close()
        assert sorted(positions) == list(range(1, 401))
        found = journal.read(0, max_entries=1000, max_bytes=10**9)
        assert {entry.position: entry.body for entry in found} == {p: b"%d" % n for n, p in enumerate(positions)}
        assert heard == sorted(heard)
        assert heard[-1] == 400
        assert commit.waiting_bytes == 0


def submit_while_one_is_held(commit: GroupCommit, held: HeldJournal, numbers: range) -> list[Future[int]]:
    first = commit.submit(batch(0))
    assert held.entered.acquire(timeout=10)
    return [first, *(commit.submit(batch(number)) for number in numbers)]


def test_all_that_wait_share_one_transaction(held: HeldJournal) -> None:
    commit = GroupCommit(held)
    futures = submit_while_one_is_held(commit, held, range(1, 21))
    assert not any(future.done() for future in futures)
    held.let_through.release(2)
    assert [future.result(10) for future in futures] == list(range(1, 22))
    commit.close()
    assert held.groups == [1, 20]


@pytest.mark.parametrize(
    ("limits", "groups"),
    [(CommitLimits(commit_entries=4), [1, 4, 4, 2]), (CommitLimits(commit_bytes=1), [1] * 11)],
)
def test_a_transaction_is_bounded(held: HeldJournal, limits: CommitLimits, groups: list[int]) -> None:
    commit = GroupCommit(held, limits=limits)
    futures = submit_while_one_is_held(commit, held, range(1, 11))
    held.let_through.release(100)
    assert [future.result(10) for future in futures] == list(range(1, 12))
    commit.close()
    assert held.groups == groups


def test_too_much_waiting_is_refused_and_taken_again_later(held: HeldJournal) -> None:
    commit = GroupCommit(held, limits=CommitLimits(waiting_bytes=100))
    first = commit.submit(batch(0))
    with pytest.raises(OverloadedError, match=r"bytes wait .* Retry") as refused:
        deque(map(commit.submit, map(batch, range(1, 100))))
    assert 0 < refused.value.waiting_bytes <= 100
    held.let_through.release(100)
    first.result(10)
    commit.close()
    assert commit.waiting_bytes == 0


def test_an_error_reaches_all_of_its_transaction_and_the_next_one_tries_again(held: HeldJournal) -> None:
    commit = GroupCommit(held)
    held.failure = JournalDiskError("journal", OSError("full"))
    futures = submit_while_one_is_held(commit, held, range(1, 4))
    held.let_through.release(2)
    errors = [future.exception(10) for future in futures]
    assert all(isinstance(error, JournalError) and "full" in str(error) for error in errors)
    assert len({id(error) for error in errors}) == 4
    held.failure = None
    held.let_through.release()
    assert commit.submit(batch(9)).result(10) == 1
    commit.close()


def test_a_bug_below_fails_those_who_wait_and_not_the_thread(held: HeldJournal) -> None:
    commit = GroupCommit(held)
    held.failure = ZeroDivisionError("bug")
    held.let_through.release(2)
    assert isinstance(commit.submit(batch(1)).exception(10), JournalError)
    held.failure = None
    assert commit.submit(batch(2)).result(10) == 1
    commit.close()


def test_a_listener_that_fails_does_not_stop_the_journal(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(Journal(tmp_path / "journal", FixedClock(0))) as journal:
        commit = GroupCommit(journal, lambda _: 1 // 0)
        assert [commit.submit(batch(number)).result(10) for number in range(3)] == [1, 2, 3]
        commit.close()
    assert "the listener failed at position 1" in caplog.text


def test_closing_writes_what_waits_and_refuses_the_rest(held: HeldJournal) -> None:
    commit = GroupCommit(held)
    futures = submit_while_one_is_held(commit, held, range(1, 4))
    assert not futures[1].cancel()
    held.let_through.release(2)
    commit.close()
    assert [future.result(0) for future in futures] == [1, 2, 3, 4]
    with pytest.raises(JournalClosedError):
        commit.submit(batch(5))


def test_an_entry_that_cannot_be_written_is_refused_to_its_sender_alone(tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "journal", FixedClock(0))) as journal:
        commit = GroupCommit(journal)
        with pytest.raises(TypeError):
            commit.submit(NewCommand(0, "acme", "cli", "customer.set", {"bad": object()}))
        assert commit.submit(batch(1)).result(10) == 1
        commit.close()
