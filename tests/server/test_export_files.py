"""What a month comes to, and what its files hold after late usage, a void and another price: the same."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.export.files import COLUMNS, WORDS, Reader
from tests.server.conftest import Bench, call
from tests.server.test_closing import OCTOBER, PRICES
from tollspan_rater.domain.money import exact_sum
from tollspan_rater.errors import ConfigError
from tollspan_rater.export.files.folder import MANIFEST

AMOUNTS = [name for name, columns in COLUMNS.items() if columns[4]]
USAGE = [name for name in COLUMNS if name not in AMOUNTS]


@pytest.fixture
def october(bench: Bench) -> Bench:
    """acme: 101 input on 1 October 2025 at 0.01, base fee 10."""
    bench.execute("pricing.apply", files=PRICES, valid_from="2025-01-01")
    bench.execute("customer.set", customer="acme", plan="pro", **{"from": "2025-10-01"})
    bench.send(call(1, start_ns=OCTOBER))
    return bench


def write_down(bench: Bench, name: str, tmp_path: Path) -> Reader:
    """Configure an export of this name and target; return what reads its files."""
    folder = tmp_path / "files"
    folder.mkdir()
    customer, meter = WORDS.get(name, ({}, {}))
    words = {one: {word: value.format(name=one) for word, value in meter.items()} for one in ("input", "output")}
    who = {word: value.format(name="acme") for word, value in customer.items()}
    told = {"default": words["input"]} if name in AMOUNTS else {"meters": {**words, "request": None}}
    mapping = {"customers": {"acme": who} if who else {}, **(told if meter else {})}
    (tmp_path / "mapping.yaml").write_text(json.dumps(mapping))
    bench.close()
    bench.flags["exports"] = {
        name: {
            "target": name,
            "mapping": str(tmp_path / "mapping.yaml"),
            "options": {"folder": str(folder), "provider": "Example Software", "unique_key": "yes"},
        }
    }
    return Reader(bench.clock, name, folder)


def hand_over(bench: Bench, name: str) -> int:
    bench.execute("export.plan", export=name)
    return int(bench.execute("export.run", export=name).body["items"]["accepted"])


@pytest.mark.parametrize("name", AMOUNTS)
def test_lines_of_statements_and_what_came_after(october: Bench, name: str, tmp_path: Path) -> None:
    reader = write_down(october, name, tmp_path)
    october.execute("period.close", period="2025-10", customer="acme")
    assert hand_over(october, name) == 2
    assert {one.amount for one in reader.receipts()} == {Decimal("1.01"), Decimal("10.00")}
    october.send(call(2, start_ns=OCTOBER))
    [first] = [str(row["call_id"]) for row in october.ask("calls").rows if row["input_tokens"] == 101]
    october.execute("call.void", calls=[first], note="a test of theirs")
    dearer = {**PRICES, "card.yaml": PRICES["card.yaml"].replace("0.01", "0.05")}
    october.execute("pricing.apply", files=dearer, valid_from="2025-01-01")
    october.execute("period.close", period="2025-11", customer="acme")
    hand_over(october, name)
    said = october.ask("ledger", balances="true", account="receivable/acme").rows
    assert exact_sum(one.amount for one in reader.receipts() if one.amount) == exact_sum(
        Decimal(str(row["amount"])) for row in said
    )
    assert october.ask("export.reconcile", export=name, **{"from": "2025-10-01"}).ok
    cutoffs = [json.loads(path.read_bytes())["cutoff"] for path in (tmp_path / "files").glob(f"*/{MANIFEST}")]
    assert sorted(cutoffs) == sorted(row["cutoff"] for row in october.ask("statements.list").rows)


def test_a_period_is_reconciled_whole_whatever_the_customers_zone(october: Bench, tmp_path: Path) -> None:
    write_down(october, "csv", tmp_path)
    october.execute("customer.set", customer="acme", zone="Europe/Berlin")
    october.execute("period.close", period="2025-10", customer="acme")
    hand_over(october, "csv")
    rows = october.ask("export.reconcile", export="csv", period="2025-10").rows
    assert {row["day"] for row in rows} == {"2025-09-30"}
    assert exact_sum(Decimal(str(row["accepted"])) for row in rows) == Decimal("11.01")
    assert october.ask("export.reconcile", export="csv", period="2025-09").rows == []
    with pytest.raises(ConfigError, match="2025-1x"):
        october.execute("export.plan", export="csv", period="2025-1x")


@pytest.mark.parametrize("name", USAGE)
def test_usage_and_what_came_after(october: Bench, name: str, tmp_path: Path) -> None:
    reader = write_down(october, name, tmp_path)
    assert hand_over(october, name) == 2
    [first] = [str(row["call_id"]) for row in october.ask("calls").rows]
    october.send(call(2, start_ns=OCTOBER))
    hand_over(october, name)
    october.execute("call.void", calls=[first], note="a test of theirs")
    assert hand_over(october, name) == 4
    assert october.ask("export.reconcile", export=name, **{"from": "2025-10-01"}).ok
    october.send(call(50, start_ns=OCTOBER))
    hand_over(october, name)
    (known,) = october.ask("usage", by="customer", **{"from": "2025-10-01"}).rows
    held = [one for one in reader.receipts() if "input" in one.meter]
    assert exact_sum(one.quantity for one in held if one.quantity) == known["input_tokens"]
    assert october.ask("audit").ok
