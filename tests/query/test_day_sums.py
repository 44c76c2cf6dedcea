"""Sums that are kept by the day come to the same digits as the calls, whenever they were added up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from query import random_traffic
from query.random_traffic import attempts, customers, settle_in
from query.shop import Shop
from query.test_alike import assert_same
from tollspan_rater.query import linear_money
from tollspan_rater.store.day_sums import DaySums
from tollspan_rater.store.weighed import LEGS, Weighed


@pytest.fixture(autouse=True)
def _lines_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_money, "ENOUGH", 0)


@pytest.fixture(scope="module")
def sums_of() -> Callable[[Shop], DaySums]:
    """Give the sums of a shop's store, which are made again for each: one store has one."""
    found: list[DaySums] = []

    def of(shop: Shop) -> DaySums:
        if not found:
            found.append(DaySums(shop.rater.database, fewest=1))
        return found[0]

    return of


def read_from(shop: Shop, sums: DaySums) -> Weighed:
    with shop.rater.database.snapshot() as connection:
        return sums.weighed(connection, shop.tenant, shop.rater.database.position())


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(random_traffic.calls, min_size=1, max_size=8),
    st.lists(random_traffic.calls, max_size=8),
    customers,
    st.booleans(),
    st.sampled_from([{}, {"from": "2026-11-01"}, {"to": "2026-10-25T03:00"}, {"model": "gpt-4.1"}]),
)
def test_sums_agree_with_calls(
    open_shop: Callable[[], Shop],
    sums_of: Callable[[Shop], DaySums],
    first: Any,
    then: Any,
    known: Any,
    again: bool,
    params: dict[str, str],
) -> None:
    shop = open_shop()
    sums = sums_of(shop)
    settle_in(shop, first, known)
    sums.step()
    for call in then:
        shop.send(*attempts(shop, call))
        if again:
            sums.step()
    assert read_from(shop, sums) != LEGS
    assert_same(shop, params, sums)
