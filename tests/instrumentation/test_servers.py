"""Real servers lose nothing, but what a kill hits in mid-call, and that is a gap. All of them: ``loss.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.instrumentation.servers import SERVERS, Server, run

CALLS = 12
IN_CI = {
    "gunicorn gthread, --preload, worker killed",
    "Celery prefork, a process for each task",
    "pool and processes by fork",
}
CHOSEN = [server for server in SERVERS if server.name in IN_CI]


@pytest.mark.parametrize("server", CHOSEN, ids=[server.name for server in CHOSEN])
def test_every_call_that_was_billed_arrives_once_or_is_a_gap(
    server: Server, sink: Any, provider: Any, tmp_path: Path
) -> None:
    billed = run(server, CALLS, sink, provider, tmp_path)
    assert billed.calls >= CALLS - 1
    assert billed.arrived.duplicates == 0
    if server.kill:
        assert billed.lost <= billed.arrived.gaps <= 8
    else:
        assert (billed.lost, billed.arrived.gaps, billed.arrived.records) == (0, 0, billed.calls)
    assert not list(tmp_path.rglob("*.spool"))


def test_those_that_are_run_here_exist() -> None:
    assert len(CHOSEN) == len(IN_CI)
