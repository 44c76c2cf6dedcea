"""A disk that is full or fails: nothing acknowledged is lost, and the journal goes on when the disk is well again."""

import errno
import os
import resource
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.domain.entries import Entry, NewBatch
from tollspan_rater.errors import JournalDiskError
from tollspan_rater.ingest import journal_day
from tollspan_rater.ingest.journal import Journal

DAY_NS = 86_400 * 10**9


def batch(number: int) -> NewBatch:
    return NewBatch(number, "acme", "collector", "otlp-proto", b"%d" % number + os.urandom(20_000))


def everything(journal: Journal) -> list[Entry]:
    return journal.read(0, max_entries=10**6, max_bytes=10**9)


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # else a part of a module is kept as the whole
    try:
        yield
    finally:
        sys.dont_write_bytecode = written
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.decode()}")
    yield disk
    subprocess.run(["umount", disk], check=True)


def broken_fsync(path: Path) -> None:
    raise OSError(errno.EIO, "broken")


def append_until_refused(journal: Journal, written: list[bytes]) -> None:
    def append(number: int) -> None:
        entry = batch(number)
        journal.append([entry])
        written.append(entry.body)

    with pytest.raises(JournalDiskError, match="Nothing of this request is acknowledged"):
        deque(map(append, range(1000)))


def test_a_full_disk_refuses_and_once_it_is_free_the_journal_goes_on(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 500_000)
    written: list[bytes] = []
    with closing(Journal(small_disk / "journal", FixedClock(0))) as journal:
        append_until_refused(journal, written)
        assert len(written) > 3
        append_until_refused(journal, written)
        assert [entry.body for entry in everything(journal)] == written
        ballast.unlink()
        entry = batch(2000)
        assert journal.append([entry]) == [len(written) + 1]
        written.append(entry.body)
    with closing(Journal(small_disk / "journal", FixedClock(0))) as journal:
        assert [entry.body for entry in everything(journal)] == written


def test_a_full_disk_at_the_change_of_day_refuses_whole(small_disk: Path) -> None:
    clock = FixedClock(0)
    with closing(Journal(small_disk / "journal", clock)) as journal:
        journal.append([batch(0)])
        ballast = small_disk / "ballast"
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(b"x" * 4096):
                pass
        clock.set(DAY_NS)
        for _ in range(2):
            with pytest.raises(JournalDiskError):
                journal.append([batch(1)])
        assert len(everything(journal)) == 1
        ballast.unlink()
        assert journal.append([batch(1), batch(2)]) == [2, 3]
        assert [day.first for day in journal.days()] == [1, 2]


@pytest.mark.parametrize("limit", [40_000, 100_000, 300_000])
def test_a_write_that_fails_in_the_middle_leaves_nothing_behind(tmp_path: Path, limit: int) -> None:
    written: list[bytes] = []
    with closing(Journal(tmp_path / "journal", FixedClock(0))) as journal:
        entry = batch(0)
        journal.append([entry])
        written.append(entry.body)
        with files_no_larger_than(limit):
            append_until_refused(journal, written)
            assert [entry.body for entry in everything(journal)] == written
        assert journal.append([batch(1), batch(2)]) == [len(written) + 1, len(written) + 2]
    with closing(Journal(tmp_path / "journal", FixedClock(0))) as journal:
        assert journal.last_position == len(written) + 2
        assert len(everything(journal)) == len(written) + 2


def test_a_failed_fsync_of_the_folder_refuses_until_it_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FixedClock(0)
    with closing(Journal(tmp_path / "journal", clock)) as journal:
        journal.append([batch(0)])
        clock.set(DAY_NS)
        with monkeypatch.context() as patch:
            patch.setattr(journal_day, "sync", broken_fsync)
            for _ in range(2):
                with pytest.raises(JournalDiskError, match="broken"):
                    journal.append([batch(1)])
        assert journal.append([batch(1)]) == [2]
        assert len(everything(journal)) == 2
