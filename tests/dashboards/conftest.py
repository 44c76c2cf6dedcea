"""The demo's data behind a real rater, and a real Prometheus that scrapes it, once for all tests of the room."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.dashboards.prometheus import PrometheusProcess, config_for
from tests.end_to_end.process import TOLLSPAN, RaterProcess, run, serving, wait_until

MISSING = "no Prometheus here: apt-get install --no-install-recommends prometheus, then the tests again"


@dataclass(frozen=True)
class Served:
    """A rater on the demo's data, and a key that may ask it for money."""

    rater: RaterProcess
    key: str


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data = tmp_path_factory.mktemp("dashboards") / "demo"
    made = run([*TOLLSPAN, "demo", "--calls", "400", "--customers", "30", "--keep", str(data)])
    assert made.returncode == 0, made.stderr
    with serving(RaterProcess(data)) as rater:
        yield Served(rater, rater.new_key("query"))


@pytest.fixture(scope="session")
def prometheus_binaries() -> None:
    if shutil.which("prometheus") and shutil.which("promtool"):
        return
    if os.environ.get("TOLLSPAN_REQUIRE_PROMETHEUS") == "1":
        pytest.fail(MISSING)
    pytest.skip(MISSING)


@pytest.fixture(scope="session")
def prometheus(
    prometheus_binaries: None, demo: Served, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrometheusProcess]:
    folder: Path = tmp_path_factory.mktemp("prometheus")
    key_file = folder / "key"
    key_file.write_text(demo.key)
    started = PrometheusProcess(folder / "run", config_for(demo.rater.api, key_file))
    try:
        started.start()
        wait_until(lambda: bool(started.query("tollspan:requests:rate5m")), "a rate, from two scrapes", 60)
        yield started
    finally:
        started.kill()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Repeat in red at the end that tests with a real Prometheus were skipped."""
    skipped = [report for report in terminalreporter.getreports("skipped") if MISSING in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} tests SKIPPED: {MISSING}", red=True, bold=True)
