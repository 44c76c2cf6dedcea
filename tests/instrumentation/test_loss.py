"""Nothing is lost, however an application ends; what a kill hits before it was written is at most the last record."""

from __future__ import annotations

import os
import signal
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
    assert found.gaps == 0
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
