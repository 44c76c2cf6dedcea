"""A real server that hands statements over by its schedule, and is killed while it does."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from tests.end_to_end.process import RaterProcess, serving, wait_until
from tests.export import serve
from tests.export.simulators.simulator import Call, Reply
from tests.export.simulators.stripe import KEY, Stripe

from tollspan_rater.errors import TollspanError

CUSTOMERS = [f"customer-{number}" for number in range(8)]
PRICES = {
    "card.yaml": "card: list\ncurrency: USD\nper: 1M\nprices: [{input: 1}]\n",
    "plan.yaml": "plan: pro\ncurrency: USD\ncards: [list]\nbase_fee: 10.07\n",
}


class SystemClock:
    def now_ns(self) -> int:
        return time.time_ns()


class Deadly(Stripe):
    """Kills who asks it, at some of the items, before or after it takes them."""

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self.victim = 0
        self.kill_before: set[int] = set()
        self.kill_after: set[int] = set()
        self.kills = 0
        self._posts = 0

    def handle(self, call: Call) -> Reply:
        if call.method != "POST":
            return super().handle(call)
        self._posts += 1
        if self._posts in self.kill_before:
            self._kill()
        answer = super().handle(call)
        if self._posts in self.kill_after:
            self._kill()
        return answer

    def _kill(self) -> None:
        os.kill(self.victim, signal.SIGKILL)
        self.kills += 1
        raise ConnectionResetError


def set_up(rater: RaterProcess) -> None:
    """Close September of all customers: a base fee each."""
    rater.execute("pricing.apply", {"files": PRICES, "valid_from": "2026-01-01"})
    for name in CUSTOMERS:
        ids = {"external_ids": {"stripe": "cus_acme"}}
        rater.execute("customer.set", {"customer": name, "plan": "pro", "from": "2026-09-01", **ids})
    rater.execute("period.close", {"period": "2026-09", "all": True})


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_killed_in_mid_export_each_line_arrives_once(tmp_path: Path) -> None:
    simulator = Deadly()
    with serve.serving(simulator) as url:
        exports = {"bills": {"target": "stripe-invoice-items", "url": url, "schedule": 1}}
        settings = {"TOLLSPAN_EXPORTS": json.dumps(exports), "TOLLSPAN_EXPORT_BILLS_KEY": KEY}
        rater = RaterProcess(tmp_path / "data", **settings)
        with serving(rater):
            set_up(rater)
            simulator.victim, simulator.kill_before, simulator.kill_after = rater.pid, {2}, {4}
            with suppress(TollspanError, httpx.HTTPError):
                for command in ("export.plan", "export.run"):
                    rater.execute(command, {"export": "bills"})
            for kills in (1, 2):  # the schedule goes on from here
                wait_until(lambda: simulator.kills == kills, "a kill", 60)  # noqa: B023 - called at once
                rater.kill()
                simulator.victim = rater.start().pid
            accepted = {"accepted": len(CUSTOMERS), "waiting": 0, "sent": 0}
            wait_until(lambda: accepted.items() <= dict(rater.ask("export.status").rows[0]).items(), "the end", 90)
            rater.assert_audit_holds()
            assert rater.ask("export.reconcile", export="bills", **{"from": "2026-08-01"}).ok
            refused = httpx.post(f"http://{rater.api}/v1/exports/bills/notifications", content=b"{}", trust_env=False)
            assert refused.status_code == 404
    receipts = simulator.receipts()
    assert Counter(one.item_id for one in receipts).most_common(1)[0][1] == 1
    assert [one.amount for one in receipts] == [Decimal("10.07")] * len(CUSTOMERS)
