"""A page of calls reads little more than it shows, and all pages together are the whole list."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from query.little_store import TENANT, store_with
from query.random_traffic import PLANS, calls, settle_in
from query.shop import SECOND, Shop, at, card, plan
from tollspan_rater.query import stretch
from tollspan_rater.query.selection import Selection, select
from tollspan_rater.query.stretch import select_in_stretches

Leg = tuple[int, bool]  # when it started, whether it was taken back


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=30), st.integers(0, 12))
def test_stretches_have_all_calls_once_and_in_their_order(drawn: list[Leg], many: int) -> None:
    legs: list[dict[str, Any]] = []
    for number, (started_ns, gone) in enumerate(drawn):
        leg = {"call_id": f"call_{number}", "started_ns": started_ns}
        legs += [leg, {**leg, "sign": -1}] if gone else [leg]
    connection = store_with({}, {}, legs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stretch, "_MANY", many)
        for selection in (Selection(TENANT), Selection(TENANT, 2, 8)):
            whole = list(select(connection, selection))
            for first in (1, 2, 5):
                assert list(select_in_stretches(connection, selection, first)) == whole


def pages(shop: Shop, **asked: str) -> list[Any]:
    rows: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        answer = shop.ask("calls", **asked, **cursor)
        rows += answer.rows
        if "cursor" not in answer.details:
            return rows
        cursor = {"cursor": str(answer.details["cursor"])}


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(calls, min_size=6, max_size=14), st.permutations([name for name in PLANS if name]))
def test_pages_are_the_list_whatever_the_prices(open_shop: Callable[[], Shop], drawn: Any, plans: list[str]) -> None:
    shop = open_shop()
    settle_in(shop, drawn, [(name, "UTC") for name in plans[:3]])
    for asked in ({}, {"from_": "2026-11-01T06:00"}, {"customer": "a", "from_": "2026-10-25"}, {"feature": "chat"}):
        assert pages(shop, limit="2", **asked) == list(shop.ask("calls", limit="1000", **asked).rows)


LINEAR = {"card.yaml": card([{"input": "0.01"}]), "plan.yaml": plan("p")}
TIERED = {
    "card.yaml": card([{"input": {"graduated": [{"up_to": "100", "price": "1"}, {"price": "2"}]}}]),
    "plan.yaml": plan("p"),
}


@pytest.mark.parametrize("prices", [LINEAR, TIERED])
def test_a_page_reads_little_more_than_it_shows(shop: Shop, monkeypatch: pytest.MonkeyPatch, prices: Any) -> None:
    shop.price(prices)
    shop.customer("a", plan="p")
    begin = at("2026-11-01T00:00Z")
    shop.send(*(shop.call(begin + number * SECOND, {"input": 5}, customer="a") for number in range(300)))
    read: list[Any] = []

    def noting(*given: Any) -> Any:
        found = list(select(*given))
        read.extend(found)
        return iter(found)

    monkeypatch.setattr(stretch, "select", noting)
    rows = shop.ask("calls", customer="a", limit="10", from_="2026-11-01T00:02Z").rows
    assert [row["charge"] for row in rows] == [Decimal("0.05") if prices is LINEAR else 10] * 10
    assert len(read) == 12  # the page, one more to know that more follow, and one at whose instant the stretch ends
