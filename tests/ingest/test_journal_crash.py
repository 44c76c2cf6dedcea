"""A process that is killed, or a disk that lies, never costs an entry that was acknowledged."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.domain.entries import Batch, Entry, NewBatch
from tollspan_rater.ingest.journal import Journal

WRITER = Path(__file__).with_name("journal_writer.py")
APPENDS, A_DAY = 9, 3
FOREVER = 10 * 86_400 * 10**9


def run_writer(
    folder: Path, synchronous: str = "full", failpoint: str = "", prefix: tuple[str, ...] = ()
) -> tuple[int, str]:
    done = subprocess.run(
        [*prefix, sys.executable, WRITER, folder, str(APPENDS), str(A_DAY), synchronous],
        env={**os.environ, "TOLLSPAN_FAILPOINT": failpoint},
        stdout=subprocess.PIPE,
        check=False,
        timeout=60,
        text=True,
    )
    return done.returncode, done.stdout


FAILPOINTS = [
    *(f"before_fsync:{count}" for count in (1, 2, 4, 5, 7)),
    *(f"after_fsync:{count}" for count in (1, 3, 4, 6, 9)),
    *(f"journal_day_change:{count}" for count in range(1, 14)),
]


def acknowledged_and_kept(folder: Path, said: str) -> list[Entry]:
    """Reopen the journal twice: all that was acknowledged is at its position, and nothing that was never sent."""
    sent = [int(number) for number in re.findall(r"sent (\d+)", said)]
    acked = {int(position): int(number) for number, position in re.findall(r"acked (\d+) (\d+)", said)}
    found: list[Entry] = []
    for _ in range(2):
        with closing(Journal(folder, FixedClock(0))) as journal:
            found = journal.read(0, max_entries=1000, max_bytes=10**9)
        numbers = [entry.received_ns for entry in found if isinstance(entry, Batch)]
        kept = dict(enumerate(numbers, 1))
        assert [entry.position for entry in found] == list(kept)
        assert acked.items() <= kept.items()
        assert len(set(numbers)) == len(numbers)
        assert set(numbers) <= set(sent)
        assert not list(folder.glob("*.new*"))
    with closing(Journal(folder, FixedClock(FOREVER))) as journal:
        assert journal.append([NewBatch(0, "acme", "collector", "otlp-proto", b"")]) == [len(found) + 1]
        assert [path.suffix for path in sorted(folder.iterdir())[:-3]] == [".sqlite"] * (len(journal.days()) - 1)
    return found


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_a_process_killed_in_any_window_loses_nothing_it_acknowledged(tmp_path: Path, failpoint: str) -> None:
    code, said = run_writer(tmp_path / "journal", failpoint=failpoint)
    assert code == -9, f"{failpoint} was not reached"
    acknowledged_and_kept(tmp_path / "journal", said)


def traced(tmp_path: Path, synchronous: str = "full", inject: str = "") -> tuple[str, str]:
    """Run the writer under strace, with a fault when one is named; return (system calls, what it said)."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed; the order of fsync and acknowledgement is not checked")
    trace = tmp_path / "trace"
    calls = ("-e", "trace=write,pwrite64,fsync,fdatasync,ftruncate,unlink,rename")
    fault = ("-e", f"inject={inject}") if inject else ()
    code, said = run_writer(
        tmp_path / "journal", synchronous, prefix=("strace", "-f", "-y", *calls, *fault, "-o", str(trace))
    )
    if code and not said:
        pytest.skip("strace may not trace here; the order of fsync and acknowledgement is not checked")
    return trace.read_text(), said


def acks_before_their_fsync(trace: str) -> tuple[int, int]:
    """Count from system calls: (acknowledgements, those while a write to the journal was not known to be on disk).

    A log whose fsync failed once may have lost any of its pages, whatever a later fsync of it says, until it is
    emptied.
    """
    unsynced: set[str] = set()
    doubtful: set[str] = set()
    acks = early = 0
    for line in trace.splitlines():
        if written := re.search(r"\bpwrite64\(\d+<([^>]*\.sqlite(?:-wal)?)>", line):
            unsynced.add(written[1])
        elif renamed := re.search(r'\brename\("[^"]*", "([^"]*)/[^/"]*"\)\s*= 0', line):
            unsynced.add(renamed[1])
        elif failed := re.search(r"\b(?:fsync|fdatasync)\(\d+<([^>]*-wal)>\)\s*= -1", line):
            doubtful.add(failed[1])
        elif synced := re.search(r"\b(?:fsync|fdatasync)\(\d+<([^>]*)>\)\s*= 0", line):
            unsynced.discard(synced[1])
        elif emptied := re.search(r'\b(?:ftruncate\(\d+<([^>]*-wal)>, 0|unlink\("([^"]*-wal)")\)\s*= 0', line):
            doubtful.discard(emptied[1] or emptied[2])
            unsynced.discard(emptied[1] or emptied[2])
        elif re.search(r'\bwrite\(1<[^>]*>, "acked', line):
            acks += 1
            early += bool(unsynced or doubtful)
    return acks, early


@pytest.mark.parametrize(("synchronous", "early"), [("full", 0), ("normal", APPENDS), ("off", APPENDS)])
def test_no_acknowledgement_precedes_its_fsync(tmp_path: Path, synchronous: str, early: int) -> None:
    """The settings without an fsync show that the trace would see one that is missing."""
    trace, _ = traced(tmp_path, synchronous)
    assert acks_before_their_fsync(trace) == (APPENDS, early)


FAULTS = [
    *(f"fsync:error=EIO:when={count}" for count in (3, 6, "6+")),
    *(f"fdatasync:error=EIO:when={count}" for count in (1, 7, 8, 12, "14+")),
    *(f"pwrite64:error=ENOSPC:when={count}" for count in (9, 22, 24, 43, "45+")),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failing_disk_costs_nothing_that_was_acknowledged(tmp_path: Path, fault: str) -> None:
    trace, said = traced(tmp_path, inject=fault)
    assert "(INJECTED)" in trace
    acks, early = acks_before_their_fsync(trace)
    assert early == 0
    assert acks == said.count("acked")
    assert acks in (range(1, APPENDS) if fault.endswith("+") else (APPENDS - 1, APPENDS))
    assert len(acknowledged_and_kept(tmp_path / "journal", said)) >= acks


def test_a_commit_cut_off_before_its_fsync_is_durable_once_it_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    run_writer(folder, failpoint="after_fsync:2")
    wal = folder / "1970-01-01.sqlite-wal"
    assert wal.stat().st_size
    with closing(sqlite3.connect(folder / "1970-01-01.sqlite")) as other:
        assert other.execute("select count(*) from entry").fetchone() == (2,)
        with closing(Journal(folder, FixedClock(0))) as journal:
            assert journal.last_position == 2
            assert wal.stat().st_size == 0
