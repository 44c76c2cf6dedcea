"""Usage on its whole way to Stripe's meters: late usage, a void, what Stripe takes back later; the sums stay ours."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.export.network import Network
from tests.export.simulators.stripe import KEY, Stripe
from tests.export.simulators.stripe_meters import WEBHOOK_SECRET
from tests.server.conftest import DAY, SECOND, T0, Bench, call
from tollspan_rater.server import exporting, exports

MAPPING = """
customers: {acme: {customer: cus_acme}, globex: {customer: cus_gone}}
meters: {input: {event_name: input_tokens}, output: {event_name: output_tokens}, request: null}
"""


@dataclass
class Rig:
    bench: Bench
    stripe: Stripe

    def hand_over(self) -> dict[str, Any]:
        planned = self.bench.execute("export.plan", export="meters").body
        self.bench.clock.set(self.bench.clock.now_ns() + 60 * SECOND)
        return {**planned, **self.bench.execute("export.run", export="meters").body}

    def sums(self) -> dict[str, Decimal]:
        found = {"input_tokens": Decimal(0), "output_tokens": Decimal(0)}
        for one in self.stripe.receipts():
            found[one.meter] += one.quantity or 0
        return found

    def known(self, *customers: str) -> dict[str, Decimal]:
        rows = [row for row in self.bench.ask("usage", by="customer").rows if row["customer"] in customers]
        return {name: sum((Decimal(str(row[name])) for row in rows), Decimal(0)) for name in self.sums()}


@pytest.fixture(params=["stripe-meter-events", "stripe-meter-stream"])
def rig(request: pytest.FixtureRequest, bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Rig:
    simulator = Stripe(bench.clock)
    network = Network(simulator, bench.clock)
    monkeypatch.setattr(exports, "new_client", lambda: httpx.Client(transport=network, trust_env=False))
    monkeypatch.setenv("TOLLSPAN_EXPORT_METERS_KEY", KEY)
    monkeypatch.setenv("TOLLSPAN_EXPORT_METERS_WEBHOOK", WEBHOOK_SECRET)
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    bench.flags["exports"] = {"meters": {"target": request.param, "mapping": str(tmp_path / "mapping.yaml")}}
    bench.send(call(1))
    return Rig(bench, simulator)


def test_late_usage_and_a_void_arrive_as_differences(rig: Rig) -> None:
    rig.hand_over()
    assert rig.sums() == rig.known("acme")
    rig.bench.send(call(2, start_ns=T0 - 3 * DAY))
    rig.bench.send(call(3, start_ns=T0 - 90 * DAY))  # older than Stripe takes: told as of now
    rig.hand_over()
    assert rig.sums() == rig.known("acme")
    first = next(str(row["call_id"]) for row in rig.bench.ask("calls").rows)
    rig.bench.execute("call.void", calls=[first], note="a test of theirs")
    rig.hand_over()
    assert rig.sums() == rig.known("acme")
    assert rig.bench.ask("export.reconcile", export="meters").ok
    assert rig.bench.ask("audit").ok


def test_what_stripe_takes_back_is_known_and_told_again(rig: Rig, tmp_path: Path) -> None:
    rig.bench.send(call(4, tollspan__customer="globex"))
    assert rig.hand_over()["items"]["accepted"] == 4
    ((headers, body),) = rig.stripe.meters.report(rig.bench.clock.now_ns() // SECOND)
    assert exporting.notified(rig.bench.rater, "meters", headers, body) == 2
    rows = rig.bench.ask("export.items", export="meters", state="rejected").rows
    assert {(row["customer"], row["code"]) for row in rows} == {("globex", "meter_event_customer_not_found")}
    (tmp_path / "mapping.yaml").write_text(MAPPING.replace("cus_gone", "cus_beta"))
    rig.bench.execute("export.retry", export="meters")
    assert rig.hand_over()["items"]["accepted"] == 4
    assert rig.sums() == rig.known("acme", "globex")
