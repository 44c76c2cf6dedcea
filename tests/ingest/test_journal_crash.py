"""A process that is killed, or a disk that lies, never costs an entry that was acknowledged."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.domain.entries import NewBatch
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


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_a_process_killed_in_any_window_loses_nothing_it_acknowledged(tmp_path: Path, failpoint: str) -> None:
    folder = tmp_path / "journal"
    code, said = run_writer(folder, failpoint=failpoint)
    assert code == -9, f"{failpoint} was not reached"
    sent = [int(number) for number in re.findall(r"sent (\d+)", said)]
    acked = {int(position): int(number) for number, position in re.findall(r"acked (\d+) (\d+)", said)}
    for _ in range(2):
        with closing(Journal(folder, FixedClock(0))) as journal:
            found = journal.read(0, max_entries=1000, max_bytes=10**9)
            assert [entry.position for entry in found] == list(range(1, len(found) + 1))
            kept = {entry.position: entry.at_ns if hasattr(entry, "at_ns") else entry.received_ns for entry in found}
            assert acked.items() <= kept.items()
            assert list(kept.values()) == sent[: len(kept)]
            assert not list(folder.glob("*.new*"))
    with closing(Journal(folder, FixedClock(FOREVER))) as journal:
        assert journal.append([NewBatch(0, "acme", "collector", "otlp-proto", b"")]) == [len(found) + 1]
        assert [path.suffix for path in sorted(folder.iterdir())[:-3]] == [".sqlite"] * (len(journal.days()) - 1)


def acks_before_their_fsync(trace: str) -> tuple[int, int]:
    """Count from a system-call trace: (acknowledgements, those with an unsynced write to the journal)."""
    unsynced: set[str] = set()
    acks = early = 0
    for line in trace.splitlines():
        if written := re.search(r"\bpwrite64\(\d+<([^>]*\.sqlite(?:-wal)?)>", line):
            unsynced.add(written[1])
        elif synced := re.search(r"\b(?:fsync|fdatasync)\(\d+<([^>]*)>\)\s*= 0", line):
            unsynced.discard(synced[1])
        elif re.search(r'\bwrite\(1<[^>]*>, "acked', line):
            acks += 1
            early += bool(unsynced)
    return acks, early


@pytest.mark.parametrize(("synchronous", "early"), [("full", 0), ("normal", APPENDS), ("off", APPENDS)])
def test_no_acknowledgement_precedes_its_fsync(tmp_path: Path, synchronous: str, early: int) -> None:
    """The settings without an fsync show that the trace would see one that is missing."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed; the order of fsync and acknowledgement is not checked")
    trace = tmp_path / "trace"
    prefix = ("strace", "-f", "-y", "-e", "trace=write,pwrite64,fsync,fdatasync", "-o", str(trace))
    code, said = run_writer(tmp_path / "journal", synchronous, prefix=prefix)
    if code and not said:
        pytest.skip("strace may not trace here; the order of fsync and acknowledgement is not checked")
    assert acks_before_their_fsync(trace.read_text()) == (APPENDS, early)


def test_a_commit_cut_off_before_its_fsync_is_durable_once_it_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    run_writer(folder, failpoint="after_fsync:2")
    wal = folder / "1970-01-01.sqlite-wal"
    assert wal.stat().st_size
    with closing(Journal(folder, FixedClock(0))) as journal:
        assert journal.last_position == 2
        assert wal.stat().st_size == 0
