"""Questions read kept sums by the numbers of kinds, and come to the digits of legs, whatever calls there are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from query.random_traffic import PRICES
from query.shop import Shop
from query.test_alike import assert_same
from query.test_day_sums import bills, read_from
from tollspan_rater.query import alike, linear_money
from tollspan_rater.query.accounts import Accounts
from tollspan_rater.query.selection import Selection
from tollspan_rater.query.sum_query import SumQuery
from tollspan_rater.server.rater import Rater
from tollspan_rater.store.weighed import LEGS

DAY = "2026-11-05T10:00Z"


@pytest.fixture(autouse=True)
def _any_leg_is_worth_it(rater: Rater, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rater.day_sums, "_fewest", 1)
    monkeypatch.setattr(linear_money, "ENOUGH", 0)


@pytest.fixture
def linear(shop: Shop) -> Shop:
    shop.price(PRICES)
    for name in ("a", "b"):
        shop.customer(name, plan="linear", zone="America/New_York")
    return shop


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What each sum was read from."""
    noted: list[str] = []

    def noting(name: str) -> None:
        query = getattr(alike, name)

        def asked(*given: Any) -> SumQuery | None:
            found: SumQuery | None = query(*given)
            if found is not None:
                noted.append(name)
            return found

        monkeypatch.setattr(alike, name, asked)

    noting("kept_query")
    noting("leg_query")
    return noted


def odd_calls(shop: Shop, who: str) -> Iterator[Any]:
    """Yield calls that differ in what they state, and in what is left of it."""
    claude: dict[str, Any] = {"provider": "anthropic", "request_model": "claude-sonnet-4-5", "customer": who}
    cached = {"input": 900, "cache_read": 100, "cache_write": 300, "cache_write_1h": 200, "output": 10}
    searched = json.dumps({"input_tokens": 5, "output_tokens": 7, "server_tool_use": {"web_search_requests": 2}})
    yield shop.call(DAY, cached, **claude)
    for size in (199_000, 200_000, 200_001):
        yield shop.call(DAY, {"input": size, "output": 1}, **claude)
    yield shop.call(DAY, {"input": 5, "output": 7}, usage_raw=searched, **claude)
    for prompt in (0, 5, 7):  # beside a rare part of the input
        raw = json.dumps({"promptTokenCount": prompt, "toolUsePromptTokenCount": 9})
        yield shop.call(DAY, None, usage_raw=raw, api="gemini.generate_content", customer=who, quality="exact")
    for counts in (
        {"input": 5, "cache_read": 9, "output": 0},
        {"cache_read": 4, "output": 3},
        {"input": 0, "output": 0},
    ):
        yield shop.call(DAY, counts, customer=who)
    for thought in (0, 5):
        yield shop.call(DAY, {"input": 9, "output": 7, "reasoning": thought}, customer=who)
    yield shop.call(DAY, {"input": 3, "cache_write_5m": 1}, customer=who)
    yield shop.call(DAY, None, outcome="failed", attempt=2, customer=who)
    yield shop.call(DAY, {"input": 3}, billable=False, customer=who)
    yield shop.unit(DAY, "retrieval", "1.25", customer=who)


def test_odd_calls_before_and_behind_agree(linear: Shop) -> None:
    linear.send(*odd_calls(linear, "a"), *odd_calls(linear, "b"))
    linear.rater.day_sums.step()
    for _ in range(2):
        assert_same(linear, {}, linear.rater.day_sums)
        assert_same(linear, {"customer": "a"}, linear.rater.day_sums)
        assert bills(linear, read_from(linear)) == bills(linear, LEGS)
        linear.send(*odd_calls(linear, "a"), linear.call(DAY, {"input": 1}, request_model="new-since", customer="b"))


@pytest.mark.parametrize(
    ("asked", "of"),
    [
        ({}, "kept_query"),
        ({"by": "customer,model,reason,segment,month", "customer": "a"}, "kept_query"),
        ({"by": "day,environment"}, "kept_query"),
        ({"by": "plan", "outcome": "complete", "from": "2026-11-05T10:00Z"}, "kept_query"),
        ({"by": "feature"}, "leg_query"),
        ({"by": "model", "user": "ann"}, "leg_query"),
        ({"by": "hour"}, "leg_query"),
    ],
)
def test_legs_are_read_only_for_what_is_not_kept(linear: Shop, read: list[str], asked: dict[str, str], of: str) -> None:
    linear.send(*(linear.call(f"2026-11-{day:02}T10:00Z", {"input": 9}, customer="a") for day in range(1, 20)))
    linear.rater.day_sums.step()
    linear.ask("usage", **asked)
    assert read == [of]


def test_a_kind_that_was_taken_back_before_it_was_added_up_is_known(linear: Shop) -> None:
    """Nothing is kept of it, but a day that is cut is read by its legs."""
    linear.send(linear.call(DAY, {"input": 9}, customer="a"), linear.call(DAY, {"output": 9}, customer="a"))
    calls = [str(row["call_id"]) for row in linear.ask("calls").rows]
    linear.execute("call.void", {"calls": calls[:1], "note": "a test"})
    linear.rater.day_sums.step()
    assert_same(linear, {"from": "2026-11-05T03:00Z"}, linear.rater.day_sums)


def test_what_a_kind_is_was_looked_up_once(linear: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    linear.send(*odd_calls(linear, "a"))
    sums = linear.rater.day_sums
    sums.step()
    before = linear.ask("usage", by="model")
    known = dict(sums.kinds._known)
    assert len(known) > 10
    linear.send(*odd_calls(linear, "b"))
    assert [row["calls"] for row in linear.ask("usage", by="model").rows] != [row["calls"] for row in before.rows]
    assert sums.kinds._known == known


@pytest.mark.parametrize("most", [0, 3])
def test_no_more_kinds_are_remembered_than_fit(linear: Shop, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = linear.rater.day_sums.kinds
    monkeypatch.setattr(kinds, "_most", most)
    monkeypatch.setattr(kinds, "_known", {})
    for outcome in ("complete", "failed", "aborted"):
        linear.send(*(linear.call(DAY, {"input": 9}, customer=who, outcome=outcome) for who in "ab"))
        linear.rater.day_sums.step()
        assert_same(linear, {}, linear.rater.day_sums)
        assert len(kinds._known) <= most


def test_calls_that_know_rare_parts_stand_alone(linear: Shop) -> None:
    """What is left of their totals is not in their columns, so that no line can be drawn through them."""
    raw = json.dumps({"promptTokenCount": 5, "toolUsePromptTokenCount": 9})
    calls = [
        linear.call(DAY, None, usage_raw=raw, api="gemini.generate_content", customer="a", quality="exact")
        for _ in range(3)
    ]
    linear.send(*calls, *(linear.call(DAY, {"input": 9}, customer="a") for _ in range(3)))
    linear.rater.day_sums.step()
    with linear.rater.database.snapshot() as connection:
        accounts, sums = Accounts(connection, linear.tenant, "UTC"), read_from(linear)
        parts = alike.split(connection, accounts, Selection(linear.tenant), sums)
        rows = list(alike.alike(connection, accounts, parts, ["customer"], "UTC"))
    assert sorted((row.calls, row.kind is None) for row in rows) == [(1, True), (1, True), (1, True), (3, False)]
