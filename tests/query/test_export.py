"""An export is whole: its lines are the invoice's, its manifest proves the file, nothing in it runs as a formula."""

from __future__ import annotations

import csv
import hashlib
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from query.shop import Shop, card, plan
from tests.fake_rater import FakeBackend
from tollspan_rater.cli.main import main
from tollspan_rater.query.render import original

EVIL = "=HYPERLINK(1)"


@pytest.fixture
def billed(shop: Shop) -> Shop:
    shop.price(
        {
            "card.yaml": card([{"input": "4", "output": "16"}], per="1M"),
            "plan.yaml": plan("pro", base_fee="9.50"),
            "yen.yaml": card([{"request": "3"}], currency="JPY"),
            "plan2.yaml": plan("jp", currency="JPY"),
        }
    )
    shop.customer(EVIL, plan="pro")
    shop.customer("jp", plan="jp")
    calls = [
        shop.call(f"2026-{month}-03T10:00Z", {"input": 1234, "output": 7}, customer=name)
        for month in ("10", "11") for name in (EVIL, "jp", "planless")
    ]  # fmt: skip
    shop.send(*calls)
    return shop


def exported(shop: Shop, out: Path, *argv: str) -> tuple[bytes, dict[str, Any]]:
    backend = FakeBackend(rater=shop.rater)  # type: ignore[arg-type]
    result = CliRunner().invoke(main, ["export", *argv, "--out", str(out), "--tenant", shop.tenant], obj=backend)
    assert result.exit_code == 0, result.output
    said = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    return (out / said["file"]).read_bytes(), said


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_lines_are_the_invoices_and_the_manifest_proves_them(billed: Shop, tmp_path: Path, kind: str) -> None:
    content, said = exported(billed, tmp_path / "out", kind, "--period", "2026-11")
    if kind == "csv":
        rows = list(csv.DictReader(content.decode().splitlines()))
        assert all(not cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())
        assert {original(row["customer"]) for row in rows} == {EVIL, "jp"}
    else:
        rows = [json.loads(line) for line in content.decode().splitlines()]
        assert {row["customer"] for row in rows} == {EVIL, "jp"}
    bills = billed.ask("invoice", all="true", period="2026-11").rows
    assert [row["line_id"] for row in rows] == [row["line_id"] for row in bills]
    assert [Decimal(row["amount_exact"]) for row in rows] == [row["amount_exact"] for row in bills]
    assert (said["sha256"], said["bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))
    assert said["rows"] == len(rows) == 4
    assert any("not priced (no plan)" in note for note in said["notes"])
    for group in said["sums"]:
        same = [row for row in rows if (row["meter"], row["currency"]) == (group["meter"], group["currency"])]
        assert group["rows"] == len(same)
        for name in ("quantity", "amount", "amount_exact"):
            assert Decimal(group[name]) == sum((Decimal(row[name]) for row in same), Decimal(0))
    assert sum(group["rows"] for group in said["sums"]) == len(rows)


def test_a_period_and_a_customer_choose_the_lines(billed: Shop, tmp_path: Path) -> None:
    content, said = exported(billed, tmp_path / "out", "jsonl", "--period", "2026-10", "--customer", "jp")
    (row,) = [json.loads(line) for line in content.decode().splitlines()]
    assert (row["customer"], row["period"], row["amount"], row["currency"]) == ("jp", "2026-10", "3", "JPY")
    assert said["as_of"] == billed.ask("usage").as_of
    _content, running = exported(billed, tmp_path / "running", "jsonl")
    assert running["rows"] == 1  # the base fee of December, the month that runs
