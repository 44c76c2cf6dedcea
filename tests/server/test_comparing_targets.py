"""Each target is asked what it has: after all faults nothing differs, and what somebody did there shows."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.export.case import cases
from tests.export.network import KilledError, Network
from tests.export.tampering import KEPT, TAMPERING
from tests.server.conftest import Bench, call
from tests.server.test_after_hand_over import HOUR, configured, priced
from tests.server.test_closing import OCTOBER
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import Target, Wanted
from tollspan_rater.query.answer import Answer
from tollspan_rater.server import exports

FAULTY, MOST = 6, 40  # runs
UNSEEN = {("orb-events", "twice")}  # of what came under other ids, Orb lists nothing


@dataclass
class Rig:
    """An export to a target on a way where much goes wrong."""

    bench: Bench
    name: str
    way: Network
    target: Target

    def hand_over(self) -> None:
        """Plan and run until everything is accepted."""
        self.bench.execute("export.plan", export=self.name)
        for run in range(MOST):
            if run == FAULTY:
                self.way.calm()
            self.way.wait(20 * 60)
            try:
                items = self.bench.execute("export.run", export=self.name).body["items"]
            except KilledError:
                continue
            if items["accepted"] == sum(items.values()):
                break
            self.look()
        self.way.calm()
        self.way.wait(2 * 3600)
        assert items["accepted"] == sum(items.values()) > 0

    def look(self) -> None:
        """Look there for what is held, and say what was found."""
        for row in self.bench.ask("export.items", export=self.name, state="held").rows:
            there = any(one.item_id == row["item_id"] for one in self.way.simulator.receipts())
            found = {"present" if there else "absent": True}
            self.bench.execute("export.retry", export=self.name, item=row["item_id"], **found)

    def compared(self) -> Answer:
        return self.bench.ask("export.reconcile", export=self.name, **{"from": "2025-10-01"})

    def items(self) -> set[str]:
        return {str(row["item_id"]) for row in self.bench.ask("export.items", export=self.name).rows}


@pytest.fixture(params=sorted(KEPT))
def rig(request: pytest.FixtureRequest, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    name = request.param
    there = configured(bench, {name: cases()[name]}, tmp_path, monkeypatch)
    way = Network(there[name], bench.clock, Random(name))  # noqa: S311 - the same faults each time
    target = cases()[name].target(way, bench.clock)
    way.doubles = target.contract.dedup_s != 0

    def make(_name: str, _settings: Settings) -> Target:
        return cases()[name].target(way, bench.clock)

    monkeypatch.setattr(exports, "make_target", make)
    priced(bench)
    bench.send(call(1, start_ns=OCTOBER if target.contract.takes == "amount" else bench.clock.now_ns()))
    if target.contract.takes == "amount":
        bench.execute("period.close", period="2025-10", customer="acme")
    bench.clock.set(bench.clock.now_ns() + HOUR)
    return Rig(bench, name, way, target)


def differing(answer: Answer) -> list[dict[str, Any]]:
    return [row for row in answer.rows if row["difference"] or row["cause"] or row["target"] is None]


def of_another_shape(_target: Target, _wanted: Wanted) -> None:
    """Read what an answer does not have."""
    raise KeyError("amount")


def test_what_a_target_has_is_compared_with_what_it_was_told(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.hand_over()
    answer = rig.compared()
    assert (answer.ok, differing(answer)) == (True, [])
    assert not any(note.startswith("rows") for note in answer.notes)
    kept = KEPT[rig.name]
    for what, tamper in TAMPERING.items():
        if (rig.name, what) in UNSEEN:
            continue
        before = deepcopy(vars(rig.way.simulator))
        tamper(kept, rig.way.simulator)
        answer = rig.compared()
        [row] = differing(answer)
        cause = "missing_in_target" if what == "lost" else "extra_in_target"
        assert (answer.ok, str(row["cause"]).partition(" ")[0]) == (False, cause), what
        if rig.target.contract.compares != "sums":
            named = [any(item in note for item in rig.items()) for note in answer.notes if note.startswith(cause)]
            assert set(named) == {True}, what
        vars(rig.way.simulator).update(before)
    assert rig.compared().ok
    monkeypatch.setattr(type(rig.target), "held", of_another_shape)
    answer = rig.compared()
    assert not answer.ok
    assert any("another shape than is published (KeyError: 'amount')" in note for note in answer.notes)
