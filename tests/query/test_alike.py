"""Calls that are added up before they are rated come to the same digits as call by call."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from query import random_traffic
from query.random_traffic import PRICES, customers, settle_in
from query.shop import Shop
from tollspan_rater.query import fold, linear_money
from tollspan_rater.query.accounts import Accounts
from tollspan_rater.query.grouping import Sums, group
from tollspan_rater.query.scope import Scope, currency_of, grouped_sums, rated_calls, rated_sums, reader
from tollspan_rater.store.day_sums import DaySums
from tollspan_rater.store.weighed import LEGS, Weighed

GROUPINGS = (
    "customer,model",
    "day,reason",
    "hour,outcome",
    "plan,environment",
    "user,feature,month",
    "week,currency",
    "minute",
    "quarter,period",
    "segment",
    "customer",
    "day",
    "customer,week,plan",
)


@pytest.fixture(autouse=True)
def _lines_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find the line of each kind at its first group, take the money of all groups from it, and fold all of them."""
    monkeypatch.setattr(linear_money, "ENOUGH", 0)
    monkeypatch.setattr(fold, "ENOUGH", 1)
    monkeypatch.setattr(fold, "FEW", 0)


def scope_of(shop: Shop, connection: duckdb.DuckDBPyConnection, sums: Weighed = LEGS) -> Scope:
    accounts = Accounts(connection, shop.tenant, "Europe/Berlin")
    return Scope(connection, accounts, 0, "Europe/Berlin", shop.rater.names, sums=sums)


def sums_of(scope: Scope, found: Iterable[Any], by: list[str]) -> dict[Any, Any]:
    return cells_of(group(found, [reader(scope, name) for name in by], currency_of(scope)))


def cells_of(groups: dict[Any, Sums]) -> dict[Any, Any]:
    return {key: (sums.cells(), sums.costs, sums.units) for key, sums in groups.items()}


def assert_same(shop: Shop, params: dict[str, str], day_sums: DaySums | None = None) -> set[str]:
    paths = set()
    with shop.rater.database.snapshot() as connection:
        sums = LEGS if day_sums is None else day_sums.weighed(connection, shop.tenant, shop.rater.database.position())
        apart = scope_of(shop, connection)
        calls = list(rated_calls(apart, params))
        for by in (one.split(",") for one in GROUPINGS):
            scope = scope_of(shop, connection, sums)
            added, path = rated_sums(scope, params, by)
            expected = sums_of(apart, calls, by)
            assert sums_of(scope, added, by) == expected
            groups, path_of_groups = grouped_sums(scope_of(shop, connection, sums), params, by)
            assert cells_of(groups) == expected
            assert path_of_groups == path
            paths.add(path)
    return paths


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(random_traffic.calls, max_size=14),
    customers,
    st.sampled_from(
        [{}, {"from": "2026-11-01"}, {"to": "2026-10-25T03:00"}, {"model": "gpt-4.1"}, {"unpriced": "true"}]
    ),
)
def test_both_ways_agree(open_shop: Callable[[], Shop], drawn: Any, known: Any, params: dict[str, str]) -> None:
    shop = open_shop()
    settle_in(shop, drawn, known)
    assert_same(shop, params)


@pytest.fixture
def linear(shop: Shop) -> Shop:
    shop.price(PRICES)
    shop.customer("a", plan="linear", zone="America/New_York")
    return shop


def test_caches_units_attempts_and_odd_counts_agree(linear: Shop) -> None:
    day = "2026-11-01T05:30:00Z"
    claude: dict[str, Any] = {"provider": "anthropic", "request_model": "claude-sonnet-4-5", "customer": "a"}
    cached = {"input": 900, "cache_read": 100, "cache_write": 300, "cache_write_1h": 200, "output": 10}
    searched = json.dumps({"input_tokens": 5, "output_tokens": 7, "server_tool_use": {"web_search_requests": 2}})
    linear.send(
        *(linear.call(day, cached, **claude) for _ in range(3)),
        *(linear.call(day, {"input": 250_000 + n, "output": 1}, **claude) for n in (-51_000, 0, 1)),  # price steps
        *(linear.call(day, {"input": 5, "output": 7}, usage_raw=searched, **claude) for _ in range(2)),
        *(linear.call(day, {"input": 5, "cache_read": 9, "output": 0}, customer="a") for _ in range(2)),  # parts exceed
        *(linear.call(day, {"cache_read": 4, "output": 3}, customer="a") for _ in range(2)),  # the whole is unknown
        *(linear.call(day, {"input": 0, "output": 0}, customer="a") for _ in range(2)),
        linear.call(day, None, outcome="failed", attempt=2, customer="a"),
        linear.call(day, {"input": 3}, billable=False, customer="a"),
        linear.unit(day, "retrieval", "1.25", customer="a"),
        linear.unit(day, "retrieval", "2.50", customer="a"),
    )
    assert assert_same(linear, {}) == {"added up in the database"}


def test_rare_parts_of_a_total_agree(linear: Shop) -> None:
    """A tool-use prompt that is all of the input leaves nothing of it; iterations stand beside it."""
    linear.send(
        *(
            linear.call("2026-11-05T10:00Z", None, usage_raw=json.dumps(raw), api=api, customer="a", quality="exact")
            for api, raw in (
                ("gemini.generate_content", {"promptTokenCount": 0, "toolUsePromptTokenCount": 9}),
                ("gemini.generate_content", {"promptTokenCount": 5, "toolUsePromptTokenCount": 9}),
                ("gemini.generate_content", {"promptTokenCount": 5, "toolUsePromptTokenCount": 9}),
            )
        )
    )
    assert_same(linear, {})


def test_parts_that_are_nothing_stay_apart_from_parts_that_have_no_price(linear: Shop) -> None:
    linear.send(
        *(
            linear.call("2026-11-05T10:00Z", {"input": 9, "output": 7, "reasoning": thought}, customer="a")
            for thought in (0, 5)  # reasoning has no price here
        )
    )
    assert_same(linear, {})
    assert [row["unpriced"] for row in linear.ask("usage").rows] == [1]


def test_a_price_that_changes_keeps_the_calls_before_it_apart(linear: Shop) -> None:
    flat: Any = PRICES["cards.yaml"]
    linear.price({**PRICES, "cards.yaml": {**flat, "per": "1K"}}, since="2026-11-16")
    linear.send(*(linear.call(f"2026-11-{day}T10:00Z", {"input": 9, "output": 7}, customer="a") for day in (15, 16)))
    assert_same(linear, {})


def test_an_answer_says_which_way_it_took(linear: Shop) -> None:
    linear.customer("b", plan="tiered")
    linear.send(linear.call("2026-11-05T10:00Z", {"input": 10}, customer="a"))
    assert linear.ask("usage").details["path"] == "added up in the database"
    linear.send(linear.call("2026-11-05T10:00Z", {"input": 10}, customer="b"))
    assert linear.ask("usage").details["path"] == "added up in the database"
    linear.customer("b", plan="counted")
    assert "call by call for 1 customers" in str(linear.ask("margin").details["path"])


def test_thousands_of_calls_become_few_rows(linear: Shop) -> None:
    from tollspan_rater.query.alike import alike, split
    from tollspan_rater.query.selection import Selection

    linear.send(*(linear.call("2026-11-05T10:00Z", {"input": 10 + n, "output": 1}, customer="a") for n in range(3000)))
    with linear.rater.database.snapshot() as connection:
        accounts = Accounts(connection, linear.tenant, "UTC")
        parts = split(connection, accounts, Selection(linear.tenant))
        rows = list(alike(connection, accounts, parts, ["customer", "day"], "UTC"))
    assert [(row.calls, row.row.input) for row in rows] == [(3000, sum(10 + n for n in range(3000)))]
