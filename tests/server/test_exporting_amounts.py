"""Amounts on their whole way to invoice items: statements, what came after them, and who is told what."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from tests.export.network import Network
from tests.export.simulators import stripe as stripe_simulator
from tests.server.conftest import Bench, call
from tests.server.counting import COUNTING, Ledger
from tests.server.test_closing import OCTOBER, PRICES
from tests.server.test_exporting import MAPPING, handed_over, why
from tollspan_rater.server import exports


@pytest.fixture
def stripe(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> tuple[Bench, stripe_simulator.Stripe]:
    """An export of amounts to Stripe; acme used 101 input on 1 October 2025 at 0.01, with a base fee of 10."""
    simulator = stripe_simulator.Stripe(bench.clock)
    monkeypatch.setattr(
        exports, "new_client", lambda: httpx.Client(transport=Network(simulator, bench.clock), trust_env=False)
    )
    monkeypatch.setenv("TOLLSPAN_EXPORT_BILLS_KEY", stripe_simulator.KEY)
    bench.flags["exports"] = {"bills": {"target": "stripe-invoice-items"}}
    bench.execute("pricing.apply", files=PRICES, valid_from="2025-01-01")
    bench.execute(
        "customer.set", customer="acme", plan="pro", external_ids={"stripe": "cus_acme"}, **{"from": "2025-10-01"}
    )
    bench.send(call(1, start_ns=OCTOBER))
    return bench, simulator


def sent_to(simulator: stripe_simulator.Stripe) -> list[str]:
    return [f"{one.amount:f}" for one in simulator.receipts()]


def test_lines_of_statements_arrive_with_what_came_after(
    stripe: tuple[Bench, stripe_simulator.Stripe],
) -> None:
    """Late usage, a void and another price after the hand-over: the target holds what the ledger says."""
    bench, simulator = stripe
    assert handed_over(bench, "bills")["planned"] == 0
    bench.execute("period.close", period="2025-10", customer="acme")
    assert handed_over(bench, "bills")["items"]["accepted"] == 2
    assert sorted(sent_to(simulator)) == ["1.01", "10.00"]
    bench.send(call(2, start_ns=OCTOBER))
    [first] = [str(row["call_id"]) for row in bench.ask("calls").rows if row["input_tokens"] == 101]
    bench.execute("call.void", calls=[first], note="a test of theirs")
    dearer = {**PRICES, "card.yaml": PRICES["card.yaml"].replace("0.01", "0.05")}
    bench.execute("pricing.apply", files=dearer, valid_from="2025-01-01")
    assert handed_over(bench, "bills")["planned"] == 0
    bench.execute("period.close", period="2025-11", customer="acme")
    handed_over(bench, "bills")
    owed = sum(
        Decimal(str(row["amount"])) for row in bench.ask("ledger", balances="true", account="receivable/acme").rows
    )
    assert sum(map(Decimal, sent_to(simulator))) == owed
    assert bench.ask("audit").ok
    assert bench.ask("export.reconcile", export="bills", **{"from": "2025-10-01"}).ok
    rows = bench.ask("export.items", export="bills", period="2025-11").rows
    assert all(row["corrects"] for row in rows if row["kind"] == "adjustment")
    assert {row["kind"] for row in rows} == {"adjustment", "base_fee"}


def test_the_secret_is_nowhere(stripe: tuple[Bench, stripe_simulator.Stripe], tmp_path: Path) -> None:
    bench, _ = stripe
    bench.execute("period.close", period="2025-10", customer="acme")
    handed_over(bench, "bills")
    said = json.dumps([dict(row) for row in bench.ask("export.items", export="bills").rows], default=str)
    assert stripe_simulator.KEY not in said + repr(bench.resolved)
    bench.close()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if stripe_simulator.KEY.encode() in path.read_bytes()] == []


def test_what_is_handed_over_as_usage_is_no_amount_as_well(
    stripe: tuple[Bench, stripe_simulator.Stripe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, simulator = stripe
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    ledger = Ledger()
    made = exports.make_target
    monkeypatch.setattr(
        exports,
        "make_target",
        lambda name, said: ledger.make(name, said) if name == "stripe-counting" else made(name, said),
    )
    bench.close()
    bench.flags["exports"]["usage"] = {"target": "stripe-counting", "mapping": str(tmp_path / "mapping.yaml")}
    handed_over(bench, "usage")
    bench.execute("period.close", period="2025-10", customer="acme")
    handed_over(bench, "bills")
    assert sent_to(simulator) == ["10.00"]
    checked = bench.ask("export.check", export="bills")
    assert "export usage hands it over already" in {row["why"] for row in checked.rows}


def test_a_plan_of_amounts_says_why_it_comes_to_nothing(stripe: tuple[Bench, stripe_simulator.Stripe]) -> None:
    bench, _ = stripe
    assert why(bench, "bills") == [
        "no statement of that time is closed: tollspan close makes one of a period that has ended"
    ]
    ready = "2025-10 is not closed (customers: 1): tollspan close --period 2025-10 --all closes it"
    assert why(bench, "bills", period="2025-10") == [ready]
    [early] = why(bench, "bills", period="2025-11")
    assert "2025-10 of acme is still open" in early
    [running] = why(bench, "bills", period="2026-11")
    assert running.startswith("period 2026-11 is not closed: it ends 2026-12-01T00:00:00.000000Z, in UTC.")
    assert why(bench, "bills", period="2025-08") == ["nobody has anything on a bill of 2025-08"]
    bench.execute("period.close", period="2025-10", customer="acme")
    assert bench.execute("export.plan", export="bills", period="2025-10").body["nothing"] == []
    before = "all of it was planned before, the last at 2026-11-18T11:07:40.000000Z; items: 2"
    assert why(bench, "bills", period="2025-10") == [before]
    assert why(bench, "bills") == [before]
    bench.execute("customer.set", customer="late", plan="pro", **{"from": "2025-10-01"})
    assert why(bench, "bills", period="2025-10") == [before, ready]


def test_customers_who_are_one_there_are_told_apart(
    stripe: tuple[Bench, stripe_simulator.Stripe], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, simulator = stripe
    monkeypatch.setenv("TOLLSPAN_EXPORT_PARIS_KEY", stripe_simulator.KEY)
    bench.close()
    bench.flags["exports"]["bills"]["customers"] = ["acme", "acme-berlin"]
    bench.flags["exports"]["paris"] = {"target": "stripe-invoice-items", "customers": ["acme-paris"]}
    for name, zone in (("acme-berlin", "Europe/Berlin"), ("acme-paris", "Europe/Paris")):
        ids = {"stripe": "cus_acme"}
        bench.execute("customer.set", customer=name, plan="pro", zone=zone, external_ids=ids, **{"from": "2025-10-01"})
    bench.execute("period.close", period="2025-10", all=True)
    for export, count in (("bills", 3), ("paris", 1)):
        assert handed_over(bench, export)["items"]["accepted"] == count
    since = {"from": "2025-09-01"}
    for span in (since, {**since, "customer": "acme"}, {**since, "customer": "acme-berlin"}, {"period": "2025-10"}):
        assert bench.ask("export.reconcile", export="bills", **span).ok, span
    assert bench.ask("export.reconcile", export="paris", period="2025-10").ok
    twice = {**simulator.invoices.items[0], "id": "ii_twice"}
    simulator.invoices.items.append({**twice, "metadata": {**twice["metadata"], "tollspan_item": "li_of_another"}})
    table = bench.ask("export.reconcile", export="bills", period="2025-10")
    assert not table.ok
    assert any(note.startswith("extra_in_target: li_of_another (") for note in table.notes)


@pytest.mark.parametrize(("bills", "told"), [(True, 1), (False, 2)])
def test_usage_goes_to_a_vendor_that_bills_it_by_one_export_alone(
    *, bills: bool, told: int, stripe: tuple[Bench, stripe_simulator.Stripe], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    bench, _ = stripe
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    ledger = Ledger(contract=replace(COUNTING, bills=bills))
    monkeypatch.setattr(exports, "make_target", ledger.make)
    bench.close()
    said = {"target": "stripe-counting", "mapping": str(tmp_path / "mapping.yaml")}
    bench.flags["exports"] = {"events": said, "stream": said}
    for name in ("events", "stream"):
        handed_over(bench, name)
    items = [bench.ask("export.items", export=name).rows for name in ("events", "stream")]
    assert items[0]
    assert sum(map(bool, items)) == told
