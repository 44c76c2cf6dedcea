"""A serving rater keeps sums of days up to date, and goes on when it could not."""

from __future__ import annotations

import logging
import threading
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from tollspan_rater.server import summing


def test_steps_are_made_until_the_end_and_a_failure_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(summing, "PAUSE_S", 0)
    outcomes: list[Any] = [
        7,
        duckdb.IOException("no room"),
        duckdb.IOException("no room"),
        7,
        duckdb.IOException("again"),
    ]
    enough = threading.Event()

    def step() -> int:
        if not outcomes:
            enough.set()
            return 0
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return int(outcome)

    rater: Any = SimpleNamespace(day_sums=SimpleNamespace(step=step, interrupt=lambda: None))
    with caplog.at_level(logging.WARNING, "tollspan"), summing.kept_sums(rater):
        assert enough.wait(30)
    said = [record.getMessage() for record in caplog.records]
    assert [text.rpartition(": ")[2] for text in said] == ["no room", "again"]
    assert "tollspan-sums" not in {thread.name for thread in threading.enumerate()}
