"""Answers on a terminal and in pipes."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from io import StringIO

import pytest
from rich.console import Console
from tests.cli.conftest import Run
from tests.fake_rater import ANSWER, FakeBackend

from tollspan_rater.cli.figures import column, shown
from tollspan_rater.cli.formats import _table, is_numeric, printable
from tollspan_rater.query.answer import Answer


def test_a_table_shows_unknown_as_a_dash_and_totals_last(run: Run) -> None:
    lines = [line.rstrip() for line in run("usage").stdout.splitlines() if line.strip()]
    assert lines[0].strip() == "Usage"
    assert lines[3].split()[:3] == ["acme", "12", "1.50"]
    assert lines[4].split()[:4] == ["\N{EN DASH}", "0", "-0.01", "\N{EN DASH}"]
    assert lines[5].split() == ["12", "1.49"]
    assert lines[-2:] == ["as of position 7, zone Europe/Berlin", "1 call has no customer"]


def test_numbers_stand_right(run: Run) -> None:
    rows = [line for line in run("usage").stdout.splitlines() if "1.50" in line or "-0.01" in line]
    assert rows[0].index("1.50") + len("1.50") == rows[1].index("-0.01") + len("-0.01")


def test_no_number_is_cut_on_a_narrow_terminal() -> None:
    columns = [f"column_{index}" for index in range(9)]
    answer = Answer("t", columns, [dict.fromkeys(columns, Decimal("1234567.890123")), dict.fromkeys(columns)], 1)
    answer = replace(answer, totals=dict.fromkeys(columns, Decimal("98765432109.876543")))
    out = StringIO()
    Console(file=out, width=40).print(_table(answer, columns), crop=False)
    assert out.getvalue().count("1,234,567.890123") == 9
    assert out.getvalue().count("98,765,432,109.876543") == 9


def test_machine_formats_leave_stdout_to_the_data(run: Run) -> None:
    result = run("usage", "--format", "json")
    assert [row["customer"] for row in json.loads(result.stdout)] == ["acme", None]
    assert result.stderr.splitlines() == ["as of position 7, zone Europe/Berlin", "1 call has no customer"]
    assert len(run("usage", "--format", "jsonl").stdout.splitlines()) == 2
    assert run("usage", "--format", "csv").stdout.startswith("customer,calls,")
    assert run("usage", "--format", "html").stdout.startswith("<!doctype html>")


def test_a_pipe_gets_no_colours(run: Run) -> None:
    assert "\x1b" not in run("usage").stdout


def test_a_wide_question_shows_its_brief_columns_only_in_a_table(run: Run, backend: FakeBackend) -> None:
    backend.rater.answer = replace(ANSWER, columns=("call_id", "trace_ids"), rows=[{"call_id": "c1"}], totals=None)
    assert "trace_ids" not in run("calls").stdout
    assert "1 more columns" in run("calls").stdout
    assert "trace_ids" in run("calls", "--format", "csv").stdout


@pytest.mark.parametrize(
    ("text", "safe"), [("\x1b[31mred", r"\x1b[31mred"), ("a\nb", r"a\nb"), ("naïve 漢", "naïve 漢")]
)
def test_text_cannot_command_the_terminal(text: str, safe: str) -> None:
    assert printable(text) == safe


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, "\N{EN DASH}"), (0, "0"), (Decimal("0.10"), "0.10"), (["a", "b"], "a, b"), ({"k": "v"}, "k=v"),
        (True, "yes"), (1234567, "1,234,567"), (Decimal("1234.5"), "1,234.5"),
        ("2026-11-21T08:00:00.515484Z", "2026-11-21 08:00:00Z"), ("", ""), (Decimal("1E-9"), "0.000000001"),
    ],
)  # fmt: skip
def test_cells(cell: object, text: str) -> None:
    assert shown(cell) == text


@pytest.mark.parametrize(
    ("cells", "numeric"),
    [([1, None], True), ([Decimal(1), 2], True), ([None], False), ([1, "x"], False), ([True], False)],
)
def test_a_column_is_numeric_when_all_it_knows_are_numbers(cells: list[object], numeric: bool) -> None:
    assert is_numeric("c", [{"c": cell} for cell in cells]) is numeric


@pytest.mark.parametrize(
    ("amounts", "currency", "texts"),
    [
        (["1.7145782", "0.001", None, "-0.001"], "USD", ["1.71", "<0.01", "\N{EN DASH}", ">-0.01"]),
        (["0.0052", "0.000001"], "USD", ["0.005200", "0.000001"]),
        (["1234567.5", "0"], "JPY", ["1,234,568", "0"]),
    ],
)
def test_money_has_the_digits_of_its_currency(amounts: list[str | None], currency: str, texts: list[str]) -> None:
    rows = [{"charge": amount and Decimal(amount), "currency": currency} for amount in amounts]
    assert column("charge", rows, None) == (texts, "")


def test_quiet_columns_stay_away_while_they_hold_nothing(run: Run, backend: FakeBackend) -> None:
    columns = ("customer", "calls", "charge", "unpriced")
    rows = [{"customer": "a", "calls": 1, "unpriced": 0}, {"customer": "b", "calls": 1, "unpriced": 0}]
    backend.rater.answer = replace(ANSWER, columns=columns, rows=rows, totals=None)
    assert "unpriced" not in run("usage").stdout
    assert "unpriced" in run("usage", "--format", "csv").stdout
    backend.rater.answer = replace(ANSWER, columns=columns, rows=[*rows, {"unpriced": 3}], totals=None)
    assert "unpriced" in run("usage").stdout


def test_asked_dimensions_are_always_shown(run: Run, backend: FakeBackend) -> None:
    backend.rater.answer = replace(
        ANSWER, columns=("region", "calls", "agent"), rows=[{"region": "[red]"}], totals=None
    )
    assert "[red]" in run("usage", "--by", "region").stdout
    assert "agent" not in run("usage", "--by", "region").stdout


def test_a_receipt_is_a_sentence(run: Run) -> None:
    said = run("keys", "revoke", "4be1c92d0a77f3e5").stdout
    assert said == "Stop a key from working: done key.revoke; amount 0.10 (journal position 42)\n"
