"""Late usage, a void and another price after the hand-over: each target ends up with what the ledger says."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.export.case import Case, cases
from tests.export.faults import sums
from tests.export.network import Network
from tests.export.simulators.simulator import Receipt, Simulator
from tests.server.conftest import SECOND, Bench, call
from tests.server.test_closing import OCTOBER, PRICES
from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.server import exports

HOUR = 3_600 * SECOND
METERS = ("input", "output")


def taking(what: str) -> list[Case]:
    silent = httpx.MockTransport(lambda _request: httpx.Response(500))
    return [case for case in cases().values() if case.target(silent, FixedClock(0)).contract.takes == what]


@pytest.fixture
def at(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Case], Simulator]:
    """Return how to give the rater an export `out` to a target, and get the simulator that is there."""

    def configured(case: Case) -> Simulator:
        simulator = case.simulator(bench.clock)
        way = Network(simulator, bench.clock)
        monkeypatch.setattr(exports, "new_client", lambda: httpx.Client(transport=way, trust_env=False))
        for name, secret in case.secrets.items():
            monkeypatch.setenv(f"TOLLSPAN_EXPORT_OUT_{name.upper()}", secret)
        (tmp_path / "mapping.yaml").write_text(json.dumps(mapping(case)))
        settings = {"target": case.name, "mapping": str(tmp_path / "mapping.yaml"), "options": dict(case.options)}
        bench.flags["exports"] = {"out": settings if case.url is None else {**settings, "url": case.url}}
        return simulator

    return configured


def mapping(case: Case) -> dict[str, Any]:
    """Return the mapping of a case as a file of ours has it; JSON is YAML."""
    return {
        "customers": {name: dict(words) for name, words in case.customers.items()},
        "meters": {**{name: dict(case.meters.get(name, {})) for name in METERS}, "request": None},
        "lines": [
            {"kind": "base_fee", "to": dict(case.meters.get("base_fee", {}))},
            {"meter": "input", "to": dict(case.meters.get("input", {}))},
        ],
    }


def hand_over(bench: Bench) -> None:
    """Plan and run, as often as an hour goes by until nothing is left to do."""
    for _ in range(4):
        bench.clock.set(bench.clock.now_ns() + HOUR)
        bench.execute("export.plan", export="out")
        bench.execute("export.run", export="out")


def change(bench: Bench, late_ns: int) -> None:
    """Let a late call in, void the first one, and make all usage dearer, back to the beginning."""
    [first] = [str(row["call_id"]) for row in bench.ask("calls").rows if row["input_tokens"] == 101]
    bench.send(call(2, start_ns=late_ns))
    bench.execute("call.void", calls=[first], note="a test of theirs")
    dearer = {**PRICES, "card.yaml": PRICES["card.yaml"].replace("0.01", "0.05")}
    bench.execute("pricing.apply", files=dearer, valid_from="2025-01-01")


def priced(bench: Bench) -> None:
    bench.execute("pricing.apply", files=PRICES, valid_from="2025-01-01")
    bench.execute("customer.set", customer="acme", plan="pro", **{"from": "2025-10-01"})


@pytest.mark.parametrize("case", taking("amount"), ids=lambda case: case.name)
def test_amounts(case: Case, bench: Bench, at: Callable[[Case], Simulator]) -> None:
    simulator = at(case)
    priced(bench)
    bench.send(call(1, start_ns=OCTOBER))
    bench.execute("period.close", period="2025-10", customer="acme")
    hand_over(bench)
    assert sum(one.amount or 0 for one in simulator.receipts()) == Decimal("11.01")
    change(bench, OCTOBER)
    bench.execute("period.close", period="2025-11", customer="acme")
    hand_over(bench)
    rows = bench.ask("ledger", balances="true", account="receivable/acme").rows
    owed = sum(Decimal(str(row["amount"])) for row in rows)
    assert sum(one.amount or 0 for one in simulator.receipts()) == owed == Decimal("25.10")
    assert bench.ask("audit").ok
    assert bench.ask("export.reconcile", export="out", **{"from": "2025-10-01"}).ok


@pytest.mark.parametrize("case", taking("usage"), ids=lambda case: case.name)
def test_usage(case: Case, bench: Bench, at: Callable[[Case], Simulator]) -> None:
    simulator = at(case)
    priced(bench)
    now_ns = bench.clock.now_ns()
    bench.send(call(1, start_ns=now_ns))
    hand_over(bench)
    assert sums(simulator.receipts()) == known(bench, case)
    bench.send(call(3, start_ns=now_ns + HOUR))  # where nothing below zero may be told, it outweighs what is voided
    change(bench, now_ns - HOUR)
    hand_over(bench)
    assert sums(simulator.receipts()) == known(bench, case)
    assert bench.ask("audit").ok
    assert bench.ask("export.reconcile", export="out").ok


def known(bench: Bench, case: Case) -> dict[tuple[str, ...], Decimal]:
    """Return what is on acme's invoice, in the words of a case."""
    customer = next(iter(case.customers["acme"].values()))
    (row,) = bench.ask("usage", by="customer").rows
    return sums(
        [
            Receipt("", customer, next(iter(case.meters[meter].values())), Decimal(str(row[f"{meter}_tokens"])))
            for meter in METERS
        ]
    )
