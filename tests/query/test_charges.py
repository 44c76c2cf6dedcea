"""Charges that the database computes are those of the engine, call by call, to the last digit."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import pytest

from query import random_prices
from query.little_store import TENANT, accounts_of, store_with
from query.random_prices import DAY, NOVEMBER
from tollspan_rater.query.charges import Charging, charging
from tollspan_rater.query.rated import Rater
from tollspan_rater.query.selection import Selection, bounds, select
from tollspan_rater.query.tariffs import Tariffs
from tollspan_rater.rating.decision import Reason


def both_ways(connection: Any, since: int | None = None) -> tuple[dict[str, Any], dict[str, Any], tuple[Any, ...]]:
    """What each call is charged, and whether an allowance took it: by the database, by the engine."""
    accounts, selection = accounts_of(connection), Selection(TENANT)
    span = bounds(connection, selection)
    assert span is not None
    wanted = [(name, period) for name in ("a", "b", None) for period in accounts.periods(name, *span)]
    prepared, singly = charging(connection, accounts, wanted, Tariffs())
    found = in_sql(connection, prepared, since)
    expected = {
        row.call_id: (charged.amount, charged.reason == Reason.INCLUDED)
        for row, _period, charged in Rater(accounts).charge(select(connection, selection))
        if charged.amount is not None and (since is None or row.started_ns >= since)
    }
    decided = {name: expected[name] for name in found}
    assert all(not amount and not included for name, (amount, included) in expected.items() if name not in found)
    return found, decided, singly


def in_sql(connection: Any, prepared: Charging, since: int | None) -> dict[str, Any]:
    with prepared.table(connection, since):
        rows = connection.execute("SELECT call_id, amount, included FROM charges").fetchall()
    return {call_id: (prepared.money(amount), included) for call_id, amount, included in rows}


@pytest.mark.parametrize("seed", range(20))
def test_the_database_charges_as_the_engine_does(seed: int) -> None:
    draw = Random(seed)  # noqa: S311 -- the same bills each time
    known, drawn = random_prices.files(draw), random_prices.legs(draw)
    plans = [{"plan": "one"}, {"plan": "two", "from": "2026-11-16"}]
    zone, since = draw.choice(["Europe/Berlin", "UTC"]), draw.choice([None, NOVEMBER + 9 * DAY])
    connection = store_with(known, {"a": {"plans": plans, "zone": zone}, "b": {"plans": plans[:1]}}, drawn)
    found, expected, singly = both_ways(connection, since)
    assert found == expected
    assert singly == ()


@pytest.mark.parametrize(
    ("price", "leg"),
    [
        ({"percentage": {"rate": "2.5", "fixed": "0.01"}}, {}),
        ({"cost_plus": {"markup": "20"}}, {}),
        ({"flat": "1"}, {"units": '{"web_search":"0.0000000000001"}'}),
        ({"flat": "1"}, {"units": '{"web_search":"1E+3"}'}),
        ({"graduated": [{"price": "123456789012.123456789012"}]}, {"kind": "unit", "quantity": Decimal(10) ** 14}),
    ],
)
def test_what_sql_cannot_say_is_left_to_the_engine(price: dict[str, Any], leg: dict[str, Any]) -> None:
    files = {
        "card.yaml": {"card": "list", "currency": "USD", "prices": [{"web_search": price}]},
        "plan.yaml": {"plan": "team", "currency": "USD", "cards": ["list"]},
    }
    call = {"call_id": "call_1", "started_ns": NOVEMBER, "customer": "a", "meter": "web_search", **leg}
    connection = store_with(files, {"a": {"plans": [{"plan": "team"}]}}, [call])
    accounts = accounts_of(connection)
    _, singly = charging(connection, accounts, [("a", accounts.period("a", "2026-11"))], Tariffs())
    assert singly == ("a",)
