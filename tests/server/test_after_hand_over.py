"""Late usage, a void and another price after the hand-over: each target ends up with what the ledger says."""

from __future__ import annotations

import json
from collections.abc import Mapping
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
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import Target
from tollspan_rater.server import exports

HOUR = 3_600 * SECOND
METERS = ("input", "output")


def taking(what: str) -> dict[str, Case]:
    silent = httpx.MockTransport(lambda _request: httpx.Response(500))
    made = {name: case.target(silent, FixedClock(0)).contract.takes for name, case in cases().items()}
    return {name: cases()[name] for name, takes in made.items() if takes == what}


def configured(
    bench: Bench, chosen: Mapping[str, Case], path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Simulator]:
    """Give the rater an export to each target, under its name, and return what is there."""
    there = {name: case.simulator(bench.clock) for name, case in chosen.items()}
    bench.flags["exports"] = {}
    for name, case in chosen.items():
        file = path / f"{name}.yaml"
        file.write_text(json.dumps(mapping(case)))
        settings = {"target": name, "mapping": str(file), "options": dict(case.options)}
        bench.flags["exports"][name] = settings if case.url is None else {**settings, "url": case.url}

    def make(name: str, _settings: Settings) -> Target:
        return chosen[name].target(Network(there[name], bench.clock), bench.clock)

    monkeypatch.setattr(exports, "make_target", make)
    monkeypatch.setattr(exports, "family", str)  # each is a vendor of its own: two of one would not be told the same
    monkeypatch.setattr(exports, "new_client", lambda: None)  # one that reads the authorities' certificates takes long
    return there


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
    """Plan and run each export, an hour later; none may leave anything behind."""
    bench.clock.set(bench.clock.now_ns() + HOUR)
    for name in bench.flags["exports"]:
        bench.execute("export.plan", export=name)
        left = bench.execute("export.run", export=name).body["items"]
        assert left == {**left, "waiting": 0, "sent": 0, "rejected": 0, "held": 0}, name


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


def in_peace(bench: Bench, **asked: str) -> dict[str, bool]:
    """Compare each target with the ledger, row by row, as the reconciliation does, when what was sent has settled."""
    bench.clock.set(bench.clock.now_ns() + HOUR)
    return {name: bench.ask("export.reconcile", export=name, **asked).ok for name in bench.flags["exports"]}


def test_amounts(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = configured(bench, taking("amount"), tmp_path, monkeypatch)
    priced(bench)
    bench.send(call(1, start_ns=OCTOBER))
    bench.execute("period.close", period="2025-10", customer="acme")
    hand_over(bench)
    assert billed(there) == dict.fromkeys(there, Decimal("11.01"))
    change(bench, OCTOBER)
    bench.execute("period.close", period="2025-11", customer="acme")
    hand_over(bench)
    rows = bench.ask("ledger", balances="true", account="receivable/acme").rows
    owed = sum(Decimal(str(row["amount"])) for row in rows)
    assert owed == Decimal("25.10")
    assert billed(there) == dict.fromkeys(there, owed)
    assert in_peace(bench, **{"from": "2025-10-01"}) == dict.fromkeys(there, True)
    assert bench.ask("audit").ok


def test_usage(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = configured(bench, taking("usage"), tmp_path, monkeypatch)
    priced(bench)
    now_ns = bench.clock.now_ns()
    bench.send(call(1, start_ns=now_ns))
    hand_over(bench)
    assert counted(there) == known(bench, there)
    bench.send(call(3, start_ns=now_ns + HOUR))  # where nothing below zero may be told, it outweighs what is voided
    change(bench, now_ns - HOUR)
    hand_over(bench)
    assert counted(there) == known(bench, there)
    assert in_peace(bench) == dict.fromkeys(there, True)


def billed(there: Mapping[str, Simulator]) -> dict[str, Decimal]:
    return {name: sum((one.amount or Decimal(0) for one in at.receipts()), Decimal(0)) for name, at in there.items()}


def counted(there: Mapping[str, Simulator]) -> dict[str, dict[tuple[str, ...], Decimal]]:
    return {name: sums(at.receipts()) for name, at in there.items()}


def known(bench: Bench, there: Mapping[str, Simulator]) -> dict[str, dict[tuple[str, ...], Decimal]]:
    """Return what is on acme's invoice, in the words of each target."""
    (row,) = bench.ask("usage", by="customer").rows
    return {name: sums(list(words(cases()[name], row))) for name in there}


def words(case: Case, row: Mapping[str, Any]) -> list[Receipt]:
    customer = next(iter(case.customers["acme"].values()))
    names = {meter: next(iter(case.meters[meter].values())) for meter in METERS}
    return [Receipt("", customer, names[meter], Decimal(str(row[f"{meter}_tokens"]))) for meter in METERS]
