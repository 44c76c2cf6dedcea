"""Past and given usage under several sets of prices, side by side, worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from query.shop import Shop, at, card, plan
from tollspan_rater.errors import NotFoundError, UsageError
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.given_usage import simulate_given

NOW = at("2026-12-15T12:00Z")
FLAT = {"a.yaml": card([{"tokens": "0"}]), "b.yaml": plan("flat", base_fee="99")}
METERED = {"a.yaml": card([{"input": "8", "output": "24"}], per="1M"), "b.yaml": plan("metered", base_fee="19")}
# A worked example of the field: the same price of $99 for very different use of gpt-4.1 at $2 and $8 per million.
LIGHT = {"customer": "light", "provider": "openai", "model": "gpt-4.1", "calls": "500", "input": "400", "output": "100"}
HEAVY = {**LIGHT, "customer": "heavy", "calls": "2000", "input": "3000", "output": "250"}


def texts(files: Mapping[str, Any]) -> dict[str, str]:
    return {name: json.dumps(value) for name, value in files.items()}


def tried(rows: list[dict[str, str]], *plans: str, label: str | None = None, **folders: Mapping[str, Any]) -> Answer:
    placed = [(f"u.csv:{number}", row) for number, row in enumerate(rows, 2)]
    return simulate_given(
        placed, {name: texts(files) for name, files in folders.items()}, plans, now_ns=NOW, label=label
    )


def money(answer: Answer, part: str = "customer") -> dict[tuple[Any, ...], tuple[str, ...]]:
    """Revenue, cost, margin and difference by scenario and customer."""
    measures = ("revenue", "cost", "margin", "difference")
    return {
        (row["scenario"], row.get("customer")): tuple(str(row[name]) for name in measures)
        for row in answer.rows
        if row["part"] == part
    }


def test_given_usage_under_a_flat_fee_and_a_metered_price() -> None:
    answer = tried([LIGHT, HEAVY], flat=FLAT, metered=METERED)
    assert money(answer) == {
        ("flat", "light"): ("99.00", "0.8", "98.2", "0.00"),
        ("flat", "heavy"): ("99.00", "16", "83", "0.00"),  # 2,000 x (3,000 x 2 + 250 x 8) per million
        ("metered", "light"): ("21.80", "0.8", "21", "-77.20"),  # 19 + 500 x (400 x 8 + 100 x 24) per million
        ("metered", "heavy"): ("79.00", "16", "63", "-20.00"),  # 19 + 2,000 x (3,000 x 8 + 250 x 24) per million
    }
    assert money(answer, "scenario") == {
        ("flat", None): ("198.00", "16.8", "181.2", "0.00"),
        ("metered", None): ("100.80", "16.8", "84", "-97.20"),
    }
    [_, metered] = [row for row in answer.rows if row["part"] == "scenario"]
    assert (metered["pays_more"], metered["pays_less"], metered["customers"]) == (0, 2, 2)


THOUSANDS = [{"up_to": "1_000_000", "price": "0.010"}, {"up_to": "4_000_000", "price": "0.008"}, {"price": "0.005"}]


@pytest.mark.parametrize(
    ("tokens", "revenues"),
    [
        (4_200_000, {"graduated": "35.00", "volume": "21.00", "override": "16.80"}),
        (4_000_000, {"graduated": "34.00", "volume": "32.00", "override": "16.00"}),
        (4_000_001, {"graduated": "34.00", "volume": "20.00", "override": "16.00"}),
    ],
)
def test_tiers_side_by_side(tokens: int, revenues: dict[str, str]) -> None:
    """A worked example of the field: up to 1M $0.010, up to 4M $0.008, above $0.005 per 1K, or $0.004 agreed on."""
    shapes: dict[str, Any] = {"graduated": {"graduated": THOUSANDS}, "volume": {"volume": THOUSANDS}}
    folders = {
        name: {"a.yaml": card([{"tokens": shapes.get(name, "0.004")}], per="1K"), "b.yaml": plan("p")}
        for name in revenues
    }
    found = money(tried([{"tokens": str(tokens)}], **folders), "scenario")
    assert {name: revenue for (name, _), (revenue, *_) in found.items()} == revenues


def test_a_lump_without_a_model_is_unpriced_where_models_have_prices_and_never_nothing() -> None:
    """A worked example of the field: 1,000 calls of 4,200 tokens against one lump of 4,200,000."""
    by_model = {"a.yaml": card([{"model": "gpt-*", "tokens": "0.01"}], per="1K"), "b.yaml": plan("p")}
    calls = {"model": "gpt-4.1", "input": "4200", "calls": "1000"}
    assert money(tried([calls], new=by_model))["new", "everyone"][0] == "42.00"
    [row] = [row for row in tried([{"tokens": "4200000"}], new=by_model).rows if row["part"] == "customer"]
    assert (row["revenue"], row["unpriced"]) == (Decimal(0), 1)


def test_units_of_other_meters_dimensions_and_times() -> None:
    files = {
        "a.yaml": card([{"page": "0.10", "input": "0.01"}], meters=["page"]),
        "b.yaml": plan("p", included={"page": "10"}),
    }
    rows = [
        {"page": "30", "at": "2026-10-31"},
        {"page": "30", "at": "2026-11-30T23:59:59+00:00", "calls": "2"},
        {"model": "m", "input": "100", "environment": "test", "at": "2026-11-01", "tags.team": "x"},
    ]
    # October 20 pages beyond the allowance, November 50; a test environment is not on the invoice
    periods = {row["period"]: row["revenue"] for row in tried(rows, new=files).rows if row["part"] == "customer"}
    assert periods == {"2026-10": Decimal("2.00"), "2026-11": Decimal("5.00")}
    [only] = [row for row in tried(rows, new=files, label="2026-10").rows if row["part"] == "customer"]
    assert (only["period"], only["revenue"]) == ("2026-10", Decimal("2.00"))


@pytest.mark.parametrize(
    ("row", "currency"),
    [({**LIGHT, "model": "nobody-sells-this"}, "USD"), (LIGHT, "EUR")],
    ids=["a model without a known cost", "a cost in another currency"],
)
def test_a_cost_that_is_not_known_leaves_the_margin_open(row: dict[str, str], currency: str) -> None:
    files = {
        "a.yaml": card([{"tokens": "0.01"}], currency=currency, per="1K"),
        "b.yaml": plan("p", currency=currency),
    }
    answer = tried([row], new=files)
    for found in answer.rows:  # the customer, and all of the scenario
        assert (found["revenue"], found["cost"], found["margin"], found["margin_percent"]) == (
            Decimal("2.50"), None, None, None
        )  # fmt: skip
    assert any("not counted as 0" in note for note in answer.notes)


def test_every_plan_is_a_scenario() -> None:
    both = {**FLAT, "c.yaml": {**plan("free"), "base_fee": "0"}}
    found = money(tried([LIGHT], "flat", "free", new=both), "scenario")
    assert {name: revenue for (name, _), (revenue, *_) in found.items()} == {
        "new, plan flat": "99.00",
        "new, plan free": "0.00",
    }


def test_a_plan_in_each_row() -> None:
    both = {**FLAT, "c.yaml": {**plan("free"), "base_fee": "0"}}
    found = money(tried([{**LIGHT, "plan": "free"}, {**HEAVY, "plan": "flat"}], new=both))
    assert [revenue for revenue, *_ in found.values()] == ["99.00", "0.00"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"inptu": "1"}, "u.csv:2: 'inptu' is neither a meter nor a column; did you mean 'input'?"),
        ({"customer": "acme"}, "u.csv:2: nothing was used"),
        ({"input": "1,200"}, "u.csv:2: input is '1,200', which is no quantity"),
        ({"input": "-1"}, "u.csv:2: input is '-1'"),
        ({"input": "1.5"}, "u.csv:2: input is '1.5', which is no whole number"),
        ({"input": "1", "calls": "many"}, "u.csv:2: calls is 'many', which is no whole number"),
        ({"input": "1", "at": "yesterday"}, "u.csv:2: at is 'yesterday', which is no day"),
        ({"input": "1", "calls": "5000001"}, "more than 5,000,000 calls"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(row: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError) as error:
        tried([row], new=FLAT)
    assert said in str(error.value)


def test_it_must_be_clear_which_plan_holds() -> None:
    both = {**FLAT, "c.yaml": {**plan("free"), "base_fee": "0"}}
    with pytest.raises(UsageError, match=r"which plan holds.*new has: flat, free"):
        tried([LIGHT], new=both)
    with pytest.raises(UsageError, match="'light' has the plans flat and free"):
        tried([{**LIGHT, "plan": "flat"}, {**LIGHT, "plan": "free"}], new=both)
    with pytest.raises(NotFoundError, match="gold"):
        tried([LIGHT], "gold", new=both)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 3000)), min_size=1, max_size=4), st.randoms())
def test_how_calls_are_cut_into_rows_and_their_order_do_not_matter(rows: list[tuple[int, int]], random: Any) -> None:
    files = {
        "a.yaml": card([{"tokens": {"graduated": [{"up_to": "5000", "price": "0.01"}, {"price": "0.003"}]}}]),
        "b.yaml": plan("p", included={"tokens": "2000"}),
    }
    whole = [{**LIGHT, "calls": str(calls), "input": str(used)} for calls, used in rows]
    singly = [{**row, "calls": "1"} for row in whole for _ in range(int(row["calls"]))]
    random.shuffle(singly)
    assert tried(whole, new=files).rows == tried(singly, new=files).rows


@pytest.fixture
def used(shop: Shop) -> Shop:
    """In November acme used 1,000,000 and globex 3,000,000 input tokens; acme is metered, globex is on the flat fee."""
    shop.price({**METERED, "c.yaml": plan("flat", base_fee="99", included={"tokens": "10_000_000"})})
    for name, count, of_plan in (("acme", 1_000_000, "metered"), ("globex", 3_000_000, "flat")):
        shop.customer(name, plan=of_plan)
        shop.send(shop.call("2026-11-10T10:00Z", {"input": count, "output": 0}, customer=name))
    return shop


def test_past_usage_on_another_plan(used: Shop) -> None:
    answer = used.ask("pricing.simulate", plan="flat,metered", against="2026-11")
    assert money(answer) == {
        ("as applied", "acme"): ("27.00", "2", "25", "0.00"),
        ("as applied", "globex"): ("99.00", "6", "93", "0.00"),
        ("plan flat", "acme"): ("99.00", "2", "97", "72.00"),
        ("plan flat", "globex"): ("99.00", "6", "93", "0.00"),
        ("plan metered", "acme"): ("27.00", "2", "25", "0.00"),
        ("plan metered", "globex"): ("43.00", "6", "37", "-56.00"),
    }
    assert next(iter(answer.rows))["revenue"] == used.ask("invoice", all="true", period="2026-11").totals["amount"]  # type: ignore[index]


def test_past_usage_under_another_folder_and_another_contract(used: Shop) -> None:
    cheap = {
        **texts({**METERED, "c.yaml": plan("flat", base_fee="50")}),
        "costs/openai.yaml": "costs:\n  - provider: openai\n    rates:\n      input: {per_1m: 1.00}\n",
    }
    answer = used.ask("pricing.simulate", folders=json.dumps({"cheap": cheap}), customer="globex")
    assert money(answer) == {
        ("as applied", "globex"): ("99.00", "6", "93", "0.00"),
        ("cheap", "globex"): ("74.00", "3", "71", "-25.00"),  # the fee of 50 and 3,000,000 at 8 per million
    }


def test_what_has_no_price_is_shown_and_earns_nothing(used: Shop) -> None:
    answer = used.ask("pricing.simulate", folders=json.dumps({"other": texts(FLAT)}), top="1")
    rows = {(row["scenario"], row.get("customer")): row for row in answer.rows}
    assert rows["other", "acme"]["revenue"] is None  # the folder has no plan of that name
    assert rows["other", "acme"]["unpriced"] == 1
    assert "1 more customers are not shown; every total has them" in answer.notes
    assert rows["other", None]["revenue"] == Decimal("99.00")


@pytest.mark.parametrize(
    ("params", "error", "said"),
    [
        ({}, UsageError, "something to try"),
        ({"folders": "{}"}, UsageError, "something to try"),
        ({"folders": "{"}, UsageError, "no JSON"),
        ({"folders": "[]"}, UsageError, "JSON object"),
        ({"plan": "gold"}, NotFoundError, "gold"),
    ],
)
def test_what_cannot_be_simulated(shop: Shop, params: dict[str, str], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        shop.ask("pricing.simulate", **params)
