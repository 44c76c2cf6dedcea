"""Sums that are kept by the day come to the same digits as the calls, whenever they were added up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from query import random_traffic
from query.random_traffic import PRICES, attempts, customers, settle_in
from query.shop import Shop
from query.test_alike import assert_same, scope_of
from tollspan_rater.cost.catalog import Catalog, Listed
from tollspan_rater.query import linear_money
from tollspan_rater.query.bill import billed_periods, rated_periods
from tollspan_rater.server.rater import Rater
from tollspan_rater.store.price_steps import PRICE_STEPS
from tollspan_rater.store.weighed import LEGS, Weighed


@pytest.fixture(autouse=True)
def _lines_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_money, "ENOUGH", 0)


@pytest.fixture(autouse=True)
def _any_leg_is_worth_it(rater: Rater, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rater.day_sums, "_fewest", 1)


def read_from(shop: Shop) -> Weighed:
    with shop.rater.database.snapshot() as connection:
        return shop.rater.day_sums.weighed(connection, shop.tenant, shop.rater.database.position())


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(random_traffic.calls, min_size=1, max_size=8),
    st.lists(random_traffic.calls, max_size=8),
    customers,
    st.booleans(),
    st.sampled_from([{}, {"from": "2026-11-01"}, {"to": "2026-10-25T03:00"}, {"model": "gpt-4.1"}]),
)
def test_sums_agree_with_calls(
    open_shop: Callable[[], Shop],
    first: Any,
    then: Any,
    known: Any,
    again: bool,
    params: dict[str, str],
) -> None:
    shop = open_shop()
    sums = shop.rater.day_sums
    settle_in(shop, first, known)
    sums.step()
    for call in then:
        shop.send(*attempts(shop, call))
        if again:
            sums.step()
    assert read_from(shop) != LEGS
    assert_same(shop, params, sums)
    assert bills(shop, read_from(shop)) == bills(shop, LEGS)


def bills(shop: Shop, sums: Weighed) -> list[Any]:
    with shop.rater.database.snapshot() as connection:
        scope = scope_of(shop, connection, sums)
        return list(rated_periods(scope, billed_periods(scope)))


@pytest.fixture
def linear(shop: Shop) -> Shop:
    shop.price(PRICES)
    shop.customer("a", plan="linear", zone="America/New_York")
    return shop


def some(shop: Shop, *days: str, **said: Any) -> None:
    shop.send(*(shop.call(f"2026-11-{day}", {"input": 9, "output": 7}, customer="a", **said) for day in days))


def rows_kept(shop: Shop) -> list[Any]:
    """Of each kept row of the tenant, how many calls stand in it."""
    query = "SELECT weight FROM kept.day_sums WHERE tenant = ? ORDER BY weight"
    return [weight for (weight,) in shop.rater.database.reader().execute(query, [shop.tenant]).fetchall()]


def test_calls_of_a_day_are_one_row_but_for_attempts(linear: Shop) -> None:
    some(linear, "05T10:00Z", "05T23:59Z", "06T00:00Z")
    some(linear, "05T10:01Z", "05T10:02Z", outcome="failed")
    linear.rater.day_sums.step()
    assert rows_kept(linear) == [1, 1, 1, 2]


def test_edges_within_a_day_part_its_calls(linear: Shop) -> None:
    """New York's days begin in the middle of days of UTC."""
    flat: Any = PRICES["cards.yaml"]
    linear.price({**PRICES, "cards.yaml": {**flat, "per": "1K"}}, since="2026-11-16")
    hours = [f"{day}T{hour:02}:59Z" for day in ("15", "16") for hour in range(24)]
    some(linear, *hours)
    linear.rater.day_sums.step()
    assert len(rows_kept(linear)) == 2
    assert_same(linear, {}, linear.rater.day_sums)
    assert_same(linear, {"from": "2026-11-16T03:00", "to": "2026-11-16T21:00"}, linear.rater.day_sums)


@pytest.mark.parametrize("tokens", sorted(PRICE_STEPS))
def test_calls_on_both_sides_of_a_price_step_stand_apart(linear: Shop, tokens: int) -> None:
    said: dict[str, Any] = {"customer": "a", "provider": "anthropic", "request_model": "claude-sonnet-4-5"}
    sizes = (tokens, tokens, tokens + 1)
    linear.send(*(linear.call("2026-11-05T10:00Z", {"input": size, "output": 1}, **said) for size in sizes))
    linear.rater.day_sums.step()
    assert rows_kept(linear) == [1, 2]


def test_all_steps_of_the_price_list_are_known() -> None:
    catalog = Catalog()
    found = set()
    for provider in catalog.source.snapshot.providers:
        for model in provider.models:
            listed = catalog.listed(provider.id, model.id)
            found |= {row.threshold for row in listed.rows if row.threshold} if isinstance(listed, Listed) else set()
    assert found <= PRICE_STEPS
    assert len(found) > 5


def test_a_price_that_steps_elsewhere_is_asked_of_single_calls(linear: Shop) -> None:
    costs = """
costs:
  - provider: openai
    rates: {input: {per_1m: 1}, output: {per_1m: 1}}
    above: {12345: {input: {per_1m: 2}}}
"""
    linear.price({**PRICES, "costs/own.yaml": costs})
    linear.send(
        *(linear.call("2026-11-05T10:00Z", {"input": n, "output": 1}, customer="a") for n in (9, 12_345, 12_346))
    )
    linear.rater.day_sums.step()
    assert rows_kept(linear) == [3]
    assert_same(linear, {}, linear.rater.day_sums)


def test_a_completed_call_that_was_made_again_is_read_by_itself(linear: Shop) -> None:
    """Nobody can tell it from the others of its row."""
    first = linear.call("2026-11-05T10:00Z", {"input": 9, "output": 7}, customer="a")
    linear.send(first)
    some(linear, "05T11:00Z")
    sums = linear.rater.day_sums
    sums.step()
    assert read_from(linear) != LEGS
    again = {"attempt": 2, "retry_of": first.identity.record_id}
    some(linear, "05T10:01Z", **again)
    assert read_from(linear) == LEGS
    assert_same(linear, {}, sums)
    sums.step()
    some(linear, "05T12:00Z")
    assert read_from(linear) == LEGS
    assert_same(linear, {}, sums)


def test_a_failed_call_that_was_made_again_is_known(linear: Shop) -> None:
    sums = linear.rater.day_sums
    first = linear.call("2026-11-05T10:00Z", None, outcome="failed", customer="a")
    linear.send(first)
    sums.step()
    some(linear, "05T10:01Z", attempt=2, retry_of=first.identity.record_id)
    assert read_from(linear) != LEGS
    assert_same(linear, {}, sums)
    sums.step()
    assert read_from(linear) != LEGS
    assert_same(linear, {}, sums)


def test_rows_that_agree_are_put_together(linear: Shop) -> None:
    sums = linear.rater.day_sums
    for minute in range(60):
        some(linear, f"05T10:{minute:02}Z")
        sums.step()
    kept = rows_kept(linear)
    assert sum(kept) == 60
    assert len(kept) < 60
    assert_same(linear, {}, sums)


def test_calls_that_are_taken_back_cancel_out(linear: Shop) -> None:
    sums = linear.rater.day_sums
    some(linear, "05T10:00Z", "05T11:00Z", "05T12:00Z", "05T13:00Z")
    calls = [str(row["call_id"]) for row in linear.ask("calls").rows]
    sums.step()
    linear.execute("call.void", {"calls": calls[:1], "note": "a test"})
    linear.execute("call.amend", {"calls": calls[1:2], "set": {"input": 5_000}, "note": "a test"})
    linear.execute("call.reattribute", {"calls": calls[2:3], "set": {"customer": "b"}, "note": "a test"})
    for standing in (4, 3):
        assert sum(rows_kept(linear)) == standing
        assert_same(linear, {}, sums)
        assert bills(linear, read_from(linear)) == bills(linear, LEGS)
        sums.step()


def test_what_is_known_later_than_asked_for_is_left_out(linear: Shop) -> None:
    sums = linear.rater.day_sums
    some(linear, "05T10:00Z")
    before = linear.rater.database.position()
    some(linear, "05T11:00Z")
    sums.step()
    with linear.rater.database.snapshot() as connection:
        assert sums.weighed(connection, linear.tenant, before) == LEGS
    assert [row["calls"] for row in linear.ask("usage", as_of=str(before)).rows] == [1]
    assert [row["calls"] for row in linear.ask("usage").rows] == [2]


def test_too_little_is_left_where_it_is(linear: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    sums = linear.rater.day_sums
    some(linear, "05T10:00Z")
    sums.step()
    monkeypatch.setattr(sums, "_fewest", 3)
    some(linear, "05T11:00Z", "05T12:00Z")
    assert sums.step() == 0
    assert rows_kept(linear) == [1]
    some(linear, "05T13:00Z")
    assert sums.step() == 3
    assert sum(rows_kept(linear)) == 4


def test_many_are_added_up_in_steps(linear: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    sums = linear.rater.day_sums
    sums.step()
    monkeypatch.setattr(sums, "_most", 2)
    for hour in range(9):
        some(linear, f"05T0{hour}:00Z")
    steps = [sums.step() for _ in range(5)]
    assert steps[0] in {2, 3}
    assert sum(steps) == sum(rows_kept(linear)) == 9
    assert_same(linear, {}, sums)


def test_an_opened_store_begins_without_sums(linear: Shop) -> None:
    sums = linear.rater.day_sums
    some(linear, "05T10:00Z")
    sums.step()
    linear.rater.database.reopen()
    assert read_from(linear) == LEGS
    sums.step()
    assert read_from(linear) != LEGS
    assert sum(rows_kept(linear)) == 1


def test_a_try_that_failed_does_not_stay_in_the_way(linear: Shop) -> None:
    sums, database = linear.rater.day_sums, linear.rater.database
    some(linear, "05T10:00Z")
    database.reopen()
    database.reader().execute("ATTACH ':memory:' AS kept")
    assert sums.step() > 0
    assert read_from(linear) != LEGS
