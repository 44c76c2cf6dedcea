"""What a spell has of a window of time is charged as one: the same digits as call by call, whoever is told apart."""

from __future__ import annotations

from random import Random
from typing import Any, cast

import pytest

from query import random_prices
from query.little_store import accounts_of, store_with
from query.random_traffic import PRICES
from query.shop import Shop
from query.test_alike import cells_of, scope_of, sums_of
from tollspan_rater.query import stints
from tollspan_rater.query.rated import RatedCall
from tollspan_rater.query.scope import People, Scope, grouped_sums, rated_calls
from tollspan_rater.server.rater import Rater
from tollspan_rater.store.weighed import LEGS

GROUPINGS = ("customer", "plan", "period", "day", "customer,week,plan", "month,currency", "reason", "model")
TIMES = ({}, {"from": "2026-11-10"}, {"to": "2026-11-21"}, {"from": "2026-11-02", "to": "2026-12-02", "customer": "a"})


@pytest.fixture
def charged(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was charged as one, of all that is asked."""
    seen, rated = list[Any](), stints.rated

    def noted(*charged: Any) -> RatedCall:
        seen.append(charged)
        return rated(*charged)

    monkeypatch.setattr(stints, "rated", noted)
    return seen


@pytest.fixture(params=[0, 10**6], ids=["by query", "by engine"])
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many stints are charged by the engine, others by a query."""
    monkeypatch.setattr(stints, "FEW", request.param)


@pytest.mark.parametrize("seed", range(9))
@pytest.mark.usefixtures("few")
def test_a_stint_is_charged_as_its_calls_together(seed: int, charged: list[Any]) -> None:
    draw = Random(seed)  # noqa: S311 -- the same bills each time
    known, drawn = random_prices.files(draw), random_prices.legs(draw)
    plans = [{"plan": "one"}, {"plan": "two", "from": "2026-11-16"}]
    zone, params = draw.choice(["Europe/Berlin", "UTC"]), TIMES[seed % len(TIMES)]
    connection = store_with(known, {"a": {"plans": plans, "zone": zone}, "b": {"plans": plans[:1]}}, drawn)

    def scope() -> Scope:
        return Scope(connection, accounts_of(connection), 0, zone, cast(People, None))

    calls = list(rated_calls(scope(), params))
    for by in (one.split(",") for one in GROUPINGS[seed % 3 :: 3]):
        groups, path = grouped_sums(scope(), params, by)
        assert cells_of(groups) == sums_of(scope(), calls, by)
        assert path == "added up in the database"
    assert bool(charged) == any(call.charged.amount for call in calls)


@pytest.mark.usefixtures("few")
def test_stints_are_read_from_kept_sums(shop: Shop, rater: Rater, charged: list[Any], monkeypatch: Any) -> None:
    monkeypatch.setattr(rater.day_sums, "_fewest", 1)
    params = {"from": "2026-11-01"}
    shop.price(PRICES)
    for customer, held, zone in (("a", "tiered", "Asia/Kolkata"), ("b", "tiered", "UTC"), ("c", "packed", "UTC")):
        shop.customer(customer, plan=held, zone=zone)
    for day in ("10-31T20:00:00Z", "11-01T05:30:00Z", "11-02T23:00:00Z", "11-09T12:00:00Z"):
        shop.send(
            *(shop.call(f"2026-{day}", {"input": 900 + n, "output": 70}, customer="abc"[n % 3]) for n in range(6))
        )
        rater.day_sums.step()
    shop.send(shop.call("2026-11-03T00:00:00Z", {"input": 5000, "output": 1}, customer="a"))
    with shop.rater.database.snapshot() as connection:
        sums = rater.day_sums.weighed(connection, shop.tenant, shop.rater.database.position())
        assert sums != LEGS
        calls = list(rated_calls(scope_of(shop, connection), params))
        for by in (["customer"], ["day", "plan"], ["hour"]):
            groups, _path = grouped_sums(scope_of(shop, connection, sums), params, by)
            assert cells_of(groups) == sums_of(scope_of(shop, connection), calls, by)
    assert {spell.customer for spell, *_ in charged} == {"a", "b", "c"}
