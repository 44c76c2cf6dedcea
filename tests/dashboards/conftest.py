"""The demo's data behind a real rater, and a real Prometheus that scrapes it, once for all tests of the room."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.collector.process import free_ports
from tests.dashboards.prometheus import PrometheusProcess, config_for
from tests.end_to_end.process import RaterProcess, serving
from tollspan.export import spans
from tollspan.settings import TRACES_PATH
from tollspan_rater.demo.records import RESOURCE
from tollspan_rater.demo.scenario import Scenario, scenario
from tollspan_rater.demo.sending import Request

MISSING = "no Prometheus here: apt-get install --no-install-recommends prometheus, then the tests again"
COMPLETE = (
    *("tollspan:requests:rate5m", "tollspan:unpriced:ratio", "tollspan:revenue:sum", "tollspan:disk_left:bytes"),
    *("tollspan_audit_difference", "tollspan:allowance:used_ratio"),
)
CALLS, CUSTOMERS, SEED = 300, 20, 1


@dataclass(frozen=True)
class Served:
    """A rater on the demo's data, a key that may ask it for money, and what the demo planned and sent.

    ``call`` is one row of ``calls``; ``known`` keeps what panels were answered.
    """

    rater: RaterProcess
    key: str
    planned: Scenario
    sent: tuple[Request, ...]
    call: Mapping[str, Any]
    known: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The demo's calls with its copies and disorder, and a sender whose key nobody knows."""
    planned = scenario((), CALLS, CUSTOMERS, SEED, time.time_ns())
    sent = tuple(request for queue in planned.sends() for request in queue)
    folder = tmp_path_factory.mktemp("dashboards")
    exports = json.dumps({"files": {"target": "jsonl", "options": {"folder": str(folder)}}})
    nowhere = f"http://127.0.0.1:{free_ports(1)[0]}"
    settings = {"TOLLSPAN_EXPORTS": exports, "TOLLSPAN_TRACE_OUT_ENDPOINT": nowhere}
    with serving(RaterProcess(folder / "demo", **settings)) as rater:
        rater.execute("pricing.apply", {"files": planned.pricing, "note": "demo"})
        people = [{"customer": customer.name, "plan": customer.plan} for customer in planned.customers]
        rater.execute("customer.import", {"customers": people})
        for request in sent:
            assert posted(rater, spans(request.records, RESOURCE)) == 200
        call = rater.wait_for_calls(len(planned.calls))[0]
        served = Served(rater, rater.new_key("query"), planned, sent, call)
        assert posted(rater, b"", Authorization="Bearer tsk_of_nobody") == 503
        yield served


@pytest.fixture(scope="session")
def empty(demo: Served) -> Served:
    """A tenant with a customer that never used anything."""
    demo.rater.execute("customer.set", {"customer": "nobody"}, tenant="empty")
    return replace(demo, key=demo.rater.new_key("query", tenant="empty"), known={})


def posted(rater: RaterProcess, body: bytes, **headers: str) -> int:
    """Send a request as a sender does, and return the status of the answer."""
    headers = {"Content-Type": "application/x-protobuf", **headers}
    return httpx.post(f"http://{rater.http}{TRACES_PATH}", content=body, headers=headers, trust_env=False).status_code


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
        started.look_when(COMPLETE)
        yield started
    finally:
        started.kill()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Repeat in red at the end that tests with a real Prometheus were skipped."""
    skipped = [report for report in terminalreporter.getreports("skipped") if MISSING in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} tests SKIPPED: {MISSING}", red=True, bold=True)
