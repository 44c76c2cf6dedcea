"""Exports by schedule: planned every so many minutes, run for what became due, and left alone when they fail."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.server.conftest import SECOND, Bench, call
from tests.server.counting import Ledger
from tollspan_rater.errors import UsageError
from tollspan_rater.export.target import NotTaken
from tollspan_rater.server import exports
from tollspan_rater.server.export_schedule import AGAIN_S, MINUTE_NS, ExportSchedule, export_schedules
from tollspan_rater.server.notifications import MAX_BYTES, notifications

MAPPING = "customers: {acme: {customer: A}}\nmeters: {input: {event_name: in}, output: null, request: null}\n"


@pytest.fixture
def ledger(bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ledger:
    made = Ledger()
    monkeypatch.setattr(exports, "make_target", made.make)
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    mapping = str(tmp_path / "mapping.yaml")
    bench.flags["exports"] = {"usage": {"target": "counting", "mapping": mapping, "schedule": 10}}
    bench.send(call(1))
    return made


def test_it_plans_when_it_is_time_to(bench: Bench, ledger: Ledger) -> None:
    schedule = ExportSchedule(bench.rater, "usage", bench.resolved.config.exports["usage"])
    assert schedule.step() == 600
    bench.send(call(2))
    bench.clock.set(bench.clock.now_ns() + 9 * MINUTE_NS)
    assert schedule.step() == 60
    assert ledger.sums() == {("A", "in"): 101}
    bench.clock.set(bench.clock.now_ns() + MINUTE_NS)
    schedule.step()
    assert ledger.sums() == {("A", "in"): 203}


def test_it_comes_back_for_what_becomes_due(bench: Bench, ledger: Ledger) -> None:
    schedule = ExportSchedule(bench.rater, "usage", bench.resolved.config.exports["usage"])
    ledger.mood = NotTaken("503")
    assert schedule.step() == AGAIN_S
    ledger.mood = None
    bench.clock.set(bench.clock.now_ns() + 30 * SECOND)
    assert schedule.step() == 570
    assert ledger.sums() == {("A", "in"): 101}


def test_a_thread_goes_on_after_what_fails_and_ends_with_the_server(
    bench: Bench, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    del ledger
    tried = threading.Event()

    def step(_schedule: ExportSchedule) -> float:
        tried.set()
        raise UsageError("the mapping cannot be read.")

    monkeypatch.setattr(ExportSchedule, "step", step)
    with caplog.at_level(logging.WARNING, "tollspan"), export_schedules(bench.rater):
        assert tried.wait(30)
    assert "export usage: the mapping cannot be read. The next try follows." in caplog.text
    assert "tollspan-export-usage" not in {thread.name for thread in threading.enumerate()}


@pytest.fixture
def http() -> TestClient:
    def notified(name: str, headers: object, body: bytes) -> int:
        del headers
        return len(body) if name == "bills" else 0

    return TestClient(Starlette(routes=[notifications(notified)]), raise_server_exceptions=True)


def test_a_notification_is_handed_on_with_its_bytes(http: TestClient) -> None:
    assert http.post("/v1/exports/bills/notifications", content=b"abc").json() == {"taken_back": 3}
    assert http.get("/v1/exports/bills/notifications").status_code == 405


def test_a_notification_is_bounded(http: TestClient) -> None:
    with pytest.raises(Exception, match="a notification may have"):
        http.post("/v1/exports/bills/notifications", content=b"x" * (MAX_BYTES + 1))
