"""What was closed stands, whatever happens to the process and the store; and serve closes what is due."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
from datetime import datetime
from typing import Any

import duckdb
import pytest

from tests.server.conftest import DAY, SECOND, Bench, call
from tollspan_rater.domain.clock import to_ns
from tollspan_rater.query.answer import Answer
from tollspan_rater.server.opening import STORE_FILE
from tollspan_rater.server.schedule import HOUR_NS, Schedule
from tollspan_rater.store.digest import table_digests

OCTOBER = 1_759_320_000 * SECOND  # 1 October 2025, noon
PRICES = {
    "card.yaml": "card: list\ncurrency: USD\nper: 1\nprices: [{input: 0.01}]\n",
    "plan.yaml": "plan: pro\ncurrency: USD\ncards: [list]\nbase_fee: 10\n",
}


@pytest.fixture
def priced(bench: Bench) -> Bench:
    """acme: 101 input on 1 October 2025 at 0.01, base fee 10; the clock stands on 18 November 2026."""
    bench.execute("pricing.apply", files=PRICES, valid_from="2025-01-01")
    bench.execute("customer.set", customer="acme", plan="pro", **{"from": "2025-10-01"})
    bench.send(call(1, start_ns=OCTOBER))
    return bench


def statements(bench: Bench) -> list[tuple[Any, ...]]:
    rows = bench.ask("statements.list").rows
    return [(row["customer"], row["period"], f"{row['amount']:f}", row["digest"]) for row in rows]


def periods(bench: Bench) -> list[tuple[Any, ...]]:
    return [statement[:3] for statement in statements(bench)]


def close_twice(bench: Bench) -> None:
    """October, then a late call, then November with the adjustment."""
    bench.execute("period.close", period="2025-10", customer="acme")
    bench.send(call(2, start_ns=OCTOBER))
    bench.execute("period.close", period="2025-11", customer="acme")


def test_a_rebuild_gives_the_same_statements(priced: Bench) -> None:
    close_twice(priced)
    before, digests = statements(priced), priced.digests()
    assert [one[2] for one in before] == ["11.01", "11.02"]
    assert priced.execute("rebuild").body["same"]
    assert statements(priced) == before
    priced.close()
    shutil.rmtree(priced.folder.store)
    assert (statements(priced), priced.digests()) == (before, digests)
    assert priced.ask("audit", full="true").ok


def test_a_snapshot_keeps_statements_whose_journal_day_is_gone(priced: Bench) -> None:
    close_twice(priced)
    before = statements(priced)
    priced.clock.set(priced.clock.now_ns() + DAY)
    priced.send(call(3, start_ns=OCTOBER))
    taken = priced.execute("snapshot").body
    assert taken["days_dropped"]
    priced.close()
    shutil.rmtree(priced.folder.store)
    assert statements(priced) == before
    assert priced.ask("audit").ok


@pytest.mark.parametrize(
    ("failpoint", "durable"), [("before_fsync", False), ("after_fsync", True), ("before_commit", True),
                               ("after_commit", True)],
)  # fmt: skip
def test_a_crash_while_closing_closes_whole_or_not_at_all(priced: Bench, failpoint: str, durable: bool) -> None:
    priced.close()
    done = subprocess.run(
        [sys.executable, "-m", "tollspan_rater", "close", "--period", "2025-10", "--customer", "acme",
         "--data", str(priced.folder.path)],
        env={**os.environ, "TOLLSPAN_FAILPOINT": f"{failpoint}:1"}, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert periods(priced) == ([("acme", "2025-10", "11.01")] if durable else [])
    priced.execute("period.close", period="2025-10", customer="acme")
    assert periods(priced) == [("acme", "2025-10", "11.01")]
    assert priced.ask("audit", full="true").ok


def test_the_command_says_what_it_did_and_why_not(priced: Bench) -> None:
    priced.close()
    line = [sys.executable, "-m", "tollspan_rater", "close", "--data", str(priced.folder.path), "--period"]
    done = subprocess.run([*line, "2025-10", "--all"], capture_output=True, text=True, check=True, timeout=60)
    assert ["acme", "2025-10", "closed"] in [line.split()[:3] for line in done.stdout.splitlines()]
    done = subprocess.run([*line, "2125-10", "--customer", "acme"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "period 2125-10 is not closed: it ends 2125-11-01T00:00:00.000000Z, in UTC" in done.stderr


@pytest.fixture
def scheduled(bench: Bench) -> Bench:
    """As ``priced``, closing by itself a day after a period's end; the clock stands on 10 October 2025."""
    bench.flags["close.automatic"] = True
    bench.clock.set(OCTOBER + 9 * DAY)
    bench.execute("pricing.apply", files=PRICES)
    bench.execute("customer.set", customer="acme", plan="pro", **{"from": "2025-10-01"})
    bench.execute("customer.set", customer="none")
    bench.send(call(1, start_ns=OCTOBER))
    return bench


def at(bench: Bench, text: str) -> None:
    bench.clock.set(to_ns(datetime.fromisoformat(text)))


def test_serve_closes_when_the_grace_is_over(scheduled: Bench, caplog: pytest.LogCaptureFixture) -> None:
    schedule = Schedule(scheduled.rater)
    assert schedule.step() == 0
    at(scheduled, "2025-11-01T23:59:59Z")
    assert schedule.step() == 0
    at(scheduled, "2025-11-02T00:59:59Z")
    with caplog.at_level(logging.INFO, "tollspan"):
        assert schedule.step() == 1
    assert "tenant default: closed acme, period 2025-10" in caplog.text
    assert periods(scheduled) == [("acme", "2025-10", "11.01")]
    assert schedule.step() == 0


def test_serve_looks_once_an_hour(scheduled: Bench) -> None:
    schedule = Schedule(scheduled.rater)
    at(scheduled, "2025-11-01T23:59:59Z")
    assert schedule.step() == 0
    at(scheduled, "2025-11-02T00:00:00Z")
    assert schedule.step() == 0
    scheduled.clock.set(scheduled.clock.now_ns() + HOUR_NS)
    assert schedule.step() == 1


def test_serve_closes_several_months_that_are_due(scheduled: Bench) -> None:
    at(scheduled, "2026-01-05T00:00:00Z")
    assert Schedule(scheduled.rater).step() == 3
    assert periods(scheduled) == [
        ("acme", "2025-10", "11.01"),
        ("acme", "2025-11", "10.00"),
        ("acme", "2025-12", "10.00"),
    ]


def test_serve_says_why_it_does_not_close_and_tries_again(
    scheduled: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    at(scheduled, "2025-11-05T00:00:00Z")
    schedule = Schedule(scheduled.rater)
    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING, "tollspan"):
        found = Answer("Audit", (), [{"equation": "a = b", "holds": False}], 1)
        patched.setattr("tollspan_rater.query.closing.audit", lambda *_asked: found)
        assert schedule.step() == 0
    assert "period 2025-10 is not closed: the audit does not hold: a = b" in caplog.text
    scheduled.clock.set(scheduled.clock.now_ns() + HOUR_NS)
    assert schedule.step() == 1


def test_serve_closes_nothing_unless_it_is_told_to(scheduled: Bench) -> None:
    scheduled.close()
    scheduled.flags["close.automatic"] = False
    at(scheduled, "2026-01-05T00:00:00Z")
    assert Schedule(scheduled.rater).step() == 0


def test_an_older_store_is_brought_forward_with_what_was_closed(priced: Bench) -> None:
    """The statements come from the journal again."""
    close_twice(priced)
    before = statements(priced)
    priced.close()
    with duckdb.connect(str(priced.folder.store / STORE_FILE)) as connection:
        connection.execute("UPDATE meta SET value = '2' WHERE key = 'format'")
        connection.execute("DROP TABLE statements")
    assert statements(priced) == before
    assert table_digests(priced.rater.database.reader())["statements"].startswith("2:")
