"""The rated lines of an answer as one file."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from decimal import Decimal
from io import StringIO

import pytest

from tollspan_rater.errors import ConfigError, ExportFileError
from tollspan_rater.export.files.form import FORMS
from tollspan_rater.export.files.snapshot import KINDS, snapshot
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.invoice import COLUMNS
from tollspan_rater.query.render import as_csv, as_jsonl

NOVEMBER = {"zone": "Europe/Berlin", "from": "2026-10-31T23:00:00.000000Z", "to": "2026-11-30T23:00:00.000000Z"}
DECEMBER = {"zone": "Europe/Berlin", "from": "2026-11-30T23:00:00.000000Z", "to": "2026-12-31T23:00:00.000000Z"}
OWN = {name: NOVEMBER[name] for name in ("from", "to")}
PROVIDER = {"provider": "Example Software"}


def line(**change: Cell) -> dict[str, Cell]:
    cells: dict[str, Cell] = dict.fromkeys(COLUMNS)
    return {
        **cells,
        "customer": "acme",
        "period": "2026-12",
        "state": "draft",
        "line_id": "ln_1",
        "kind": "usage",
        "description": "=input",
        "meter": "input",
        "quantity": Decimal(1000),
        "amount": Decimal("2.50"),
        "amount_exact": Decimal("2.4999"),
        "currency": "EUR",
        "calls": 3,
        "steps": ["1000 at 0.0024999", "=1"],
        "service_period": "2026-12",
        **change,
    }


LATE = line(line_id="ln_2", kind="adjustment", service_period="2026-11", corrects="ln_0", amount=Decimal("-0.10"))
ANSWER = Answer(
    "Rated lines",
    COLUMNS,
    [line(), LATE],
    7,
    "Europe/Berlin",
    details={"acme": DECEMBER | {"corrected": {"2026-11": OWN}}},
)


def test_csv_and_json_lines_are_those_of_answers() -> None:
    assert snapshot("csv", ANSWER, {}) == ("lines.csv", as_csv(ANSWER).encode())
    assert snapshot("jsonl", ANSWER, {}) == ("lines.jsonl", as_jsonl(ANSWER).encode())


def test_parquet_has_the_same_cells() -> None:
    name, content = snapshot("parquet", ANSWER, {})
    (first, second) = FORMS["parquet"].read(content)
    assert name == "lines.parquet"
    assert [first["calls"], json.loads(first["steps"] or "")] == ["3", ["1000 at 0.0024999", "=1"]]
    assert [Decimal(row["amount"] or "") for row in (first, second)] == [Decimal("2.50"), Decimal("-0.10")]
    assert (first["unit_price"], second["corrects"]) == (None, "ln_0")


def test_focus_knows_the_bounds_of_what_is_corrected() -> None:
    name, content = snapshot("focus", ANSWER, PROVIDER)
    rows = list(csv.DictReader(StringIO(content.decode(), newline="")))
    assert name == "focus.csv"
    assert [row["BillingPeriodStart"] for row in rows] == ["2026-11-30T23:00:00Z"] * 2
    assert [row["ChargePeriodStart"] for row in rows] == ["2026-11-30T23:00:00Z", "2026-10-31T23:00:00Z"]
    assert [row["ChargeClass"] for row in rows] == ["", "Correction"]
    assert [row["BilledCost"] for row in rows] == ["2.50", "-0.10"]
    assert rows[0]["ChargeDescription"] == "'=input"


def test_a_customer_with_several_periods_has_each_under_its_own_bounds() -> None:
    one = replace(ANSWER, rows=[line()], details={"acme 2026-12": DECEMBER, "acme": NOVEMBER})
    assert b"2026-12-31T23:00:00Z" in snapshot("focus", one, PROVIDER)[1]


@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_stand_in_a_file_is_named_and_nothing_comes_of_it(kind: str) -> None:
    two = replace(ANSWER, rows=[line(), line(description="nul \0")])
    with pytest.raises(ExportFileError, match=f"row 2 of the {kind} file, column (d|ChargeD)escription"):
        snapshot(kind, two, PROVIDER)


def test_focus_needs_to_know_who_sells_and_when() -> None:
    with pytest.raises(ConfigError, match="provider"):
        snapshot("focus", ANSWER, {})
    with pytest.raises(ExportFileError, match="acme"):
        snapshot("focus", replace(ANSWER, details={}), PROVIDER)
