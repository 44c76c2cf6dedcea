"""Finds the built Collector; says loudly when there is none, and fails then where TOLLSPAN_REQUIRE_COLLECTOR=1."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.collector.process import CollectorProcess, find_binary, running
from tests.collector.sink import Sink, listening

MISSING = "the Collector is not built: run `make collector` (it needs Go), then the tests again"


@pytest.fixture(scope="session")
def collector_binary() -> Path:
    """Return the built Collector."""
    binary = find_binary()
    if binary is None and os.environ.get("TOLLSPAN_REQUIRE_COLLECTOR") == "1":
        pytest.fail(MISSING)
    if binary is None:
        pytest.skip(MISSING)
    return binary


@pytest.fixture
def sink() -> Iterator[Sink]:
    with listening() as started:
        yield started


@pytest.fixture
def collector(collector_binary: Path, tmp_path: Path, sink: Sink) -> Iterator[CollectorProcess]:
    """A running Collector with the shipped configuration in front of `sink`."""
    with running(CollectorProcess(collector_binary, tmp_path, sink.address)) as started:
        yield started


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Repeat in red at the end that real Collector tests were skipped; a skip's reason is easily overlooked."""
    skipped = [report for report in terminalreporter.getreports("skipped") if MISSING in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} tests SKIPPED: {MISSING}", red=True, bold=True)
