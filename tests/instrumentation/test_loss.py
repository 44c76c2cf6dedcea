"""Nothing is lost, however an application ends; what a kill hits before it was written is at most the last record."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.instrumentation.loss import NEXT_START, ROWS, Row, arrived, end, line, run, start

from tollspan.sender import MAX_BATCH

COUNT = 600  # more than a batch

LEAVES_A_CHILD = """
emit(N)
child = os.fork()
if child == 0:
    os.close(1)
    while True: signal.pause()
print(child, flush=True)
os._exit(0)
"""

TELLING = """
for number in range(N):
    tollspan.record("page", number)
    print(number + 1, flush=True)
"""


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_every_record_arrives(row: Row, sink: Any, spool_dir: Path) -> None:
    found = run(row, COUNT, sink, spool_dir)
    assert (found.records, found.gaps) == (COUNT, 0)
    assert found.duplicates <= (
        MAX_BATCH if row.killed_by or row.next_start else 0
    )  # what was on its way is sent again
    assert not list(spool_dir.rglob("*.spool"))


def test_a_kill_in_mid_work_takes_nothing_that_was_written(sink: Any, spool_dir: Path) -> None:
    process = start(TELLING, 1_000_000, sink, spool_dir)
    told = [line(process.stdout) for _ in range(500)]
    process.kill()
    told += list(process.stdout or ())
    end(process)
    assert end(start(NEXT_START, 0, sink, spool_dir)) == 0
    told = [text for text in told if text.endswith("\n")]
    found = arrived(sink)
    assert found.gaps <= 1  # the one in hand
    assert found.records >= len(told) >= 500


def test_a_child_that_lives_on_does_not_hold_what_its_parent_left(sink: Any, spool_dir: Path) -> None:
    process = start(LEAVES_A_CHILD, COUNT, sink, spool_dir)
    child = int(line(process.stdout))
    try:
        end(process)
        assert end(start(NEXT_START, 0, sink, spool_dir)) == 0
        assert arrived(sink).records == COUNT
    finally:
        os.kill(child, signal.SIGKILL)


FUNCTION = """
import time
def handler():
    emit(1)
    return tollspan.flush(20)
for _ in sys.stdin:
    print(handler(), flush=True)
"""


def test_a_function_that_is_frozen_between_calls_has_told_all_before(sink: Any, spool_dir: Path) -> None:
    process = start(FUNCTION, 1, sink, spool_dir, stdin=subprocess.PIPE)
    assert process.stdin is not None
    for number in range(1, 4):
        process.stdin.write("call\n")
        process.stdin.flush()
        assert line(process.stdout) == "True\n"
        process.send_signal(signal.SIGSTOP)
        assert arrived(sink).records == number
        process.send_signal(signal.SIGCONT)
    process.send_signal(signal.SIGSTOP)
    process.kill()
    end(process)
    assert arrived(sink).gaps == 0


# No byte code: what is imported after the limit would be kept in part (python/cpython#126606).
NO_ROOM = """
import resource
sys.dont_write_bytecode = True
resource.setrlimit(resource.RLIMIT_FSIZE, (40, resource.RLIM_INFINITY))
emit(N)
print(tollspan.stats().problem, flush=True)
"""
READ_ONLY = "emit(N)\nprint(tollspan.stats().problem, flush=True)\n"


@pytest.mark.parametrize(
    ("program", "folder", "problem"),
    [(NO_ROOM, None, "no room for a file of records"), (READ_ONLY, Path("/proc/tollspan"), "/proc/tollspan")],
    ids=["no room", "read-only"],
)
def test_a_file_system_that_takes_nothing_is_told_of_and_nothing_is_lost(
    program: str, folder: Path | None, problem: str, sink: Any, spool_dir: Path
) -> None:
    process = start(program, COUNT, sink, folder or spool_dir)
    assert problem in line(process.stdout)
    assert end(process) == 0
    found = arrived(sink)
    assert (found.records, found.gaps) == (COUNT, 0)


WORKER = """
import LIBRARY
worker = LIBRARY.get_context("fork").Process(target=emit, args=(N,))
worker.start()
worker.join()
print("joined", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("library", ["multiprocessing", "billiard"])
def test_a_worker_sends_at_its_end_although_its_parent_never_does(library: str, sink: Any, spool_dir: Path) -> None:
    process = start(WORKER.replace("LIBRARY", library), COUNT, sink, spool_dir, stdin=subprocess.PIPE)
    assert line(process.stdout) == "joined\n"
    assert arrived(sink).records == COUNT
    end(process)
    assert (arrived(sink).records, arrived(sink).duplicates) == (COUNT, 0)
