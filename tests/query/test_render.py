"""Machine formats lose nothing and run nothing."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fake_rater import ANSWER
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.render import (
    FORMULA_STARTS,
    as_csv,
    as_json,
    as_jsonl,
    cell_text,
    document,
    neutral,
    original,
    plain,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text("=+-@'\t\r\n\0,;\"1.", max_size=6)
CELLS = st.one_of(
    st.none(),
    TEXT,
    st.booleans(),
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.lists(TEXT, max_size=3),
    st.dictionaries(TEXT, TEXT, max_size=2),
)
ROWS = st.lists(st.fixed_dictionaries({"a": CELLS, "b": CELLS}), max_size=4)


@given(ROWS)
@settings(max_examples=60, deadline=None)
def test_csv_comes_back_cell_for_cell(rows: list[dict[str, Cell]]) -> None:
    text = as_csv(Answer("t", ("a", "b"), rows, 1))
    head, *read = csv.reader(StringIO(text, newline=""))
    assert head == ["a", "b"]
    assert [[original(cell) for cell in line] for line in read] == [
        [cell_text(row["a"]), cell_text(row["b"])] for row in rows
    ]


@given(ROWS)
@settings(max_examples=60, deadline=None)
def test_json_comes_back_value_for_value(rows: list[dict[str, Cell]]) -> None:
    answer = Answer("t", ("a", "b"), rows, 1)
    wanted = [{name: plain(row[name]) for name in ("a", "b")} for row in rows]
    assert json.loads(as_json(answer)) == wanted
    assert [json.loads(line) for line in as_jsonl(answer).split("\n")[:-1]] == wanted


@given(st.decimals(allow_nan=False, allow_infinity=False))
@settings(max_examples=60, deadline=None)
def test_a_decimal_keeps_every_digit_and_shows_no_exponent(value: Decimal) -> None:
    text = plain(value)
    assert Decimal(text) == value
    assert "E" not in text


@given(TEXT)
@settings(max_examples=60, deadline=None)
def test_no_cell_starts_a_formula(text: str) -> None:
    cell = neutral(text)
    assert original(cell) == text
    if cell.startswith(FORMULA_STARTS):
        Decimal(cell)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"), ("+49 30", "'+49 30"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'\t=1"), ("\r=1", "'\r=1"),
        ("-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0"), ("-0.01", "-0.01"), ("+5", "+5"), ("'=1", "''=1"),
        ("it's", "it's"), ("", ""),
    ],
)  # fmt: skip
def test_formulas_get_a_quote_and_numbers_do_not(text: str, cell: str) -> None:
    assert neutral(text) == cell


def test_the_whole_document_has_types_of_json_only() -> None:
    said = document(ANSWER)
    assert json.loads(json.dumps(said)) == said
    assert said["rows"][0]["cost"] == "0.1234567890123456789"
    assert said["rows"][1]["cost"] is None
    assert said["totals"] == {"calls": 12, "charge": "1.49"}
