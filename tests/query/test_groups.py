"""What bills are rated from: all customers in one pass, facts, single events and provider costs."""

from __future__ import annotations

from decimal import Decimal
from itertools import groupby
from random import Random
from typing import Any

import pytest

from query import random_prices
from query.little_store import TENANT, accounts_of, store_with
from query.random_prices import DAY, NOVEMBER
from tollspan_rater.domain.money import EXACT
from tollspan_rater.query.bill import billed_periods, rated_periods
from tollspan_rater.query.groups import usage_of
from tollspan_rater.query.rated import Rater
from tollspan_rater.query.resumed import resumed
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.selection import Selection, select
from tollspan_rater.query.tariffs import Tariffs

NOBODY: Any = None  # no name is asked for
WIDE = {
    "card.yaml": {
        "card": "wide", "currency": "USD", "per": "1M",
        "meters": {"pages": {}, "seats": {"aggregate": "max"}, "people": {"aggregate": "unique", "of": "user"}},
        "prices": [
            {"tokens": {"graduated": [{"up_to": "50", "price": "9"}, {"price": "3"}]}},
            {"match": {"feature": "chat"}, "input": "2"},
            {"match": {"tags.team": "r*d/~1'"}, "output": "7"},
            {"model": "gpt-4o", "tokens": {"cost_plus": {"markup": "20", "margin": "0.10", "per": "1M"}}},
            {"pages": {"percentage": {"rate": "2.9", "fixed": "0.30", "free_events": "1", "min": "0.5"}}},
            {"seats": {"price": "5", "per": "1"}, "people": {"price": "1", "per": "1"}},
        ],
    },
    "plan.yaml": {"plan": "wide", "currency": "USD", "cards": ["wide"]},
}  # fmt: skip


def charged(connection: Any) -> dict[tuple[str | None, str, str], Decimal]:
    """The charges of all calls, one after the other, by customer, period and component."""
    sums: dict[tuple[str | None, str, str], Decimal] = {}
    accounts = accounts_of(connection)
    for row, period, call in Rater(accounts).charge(select(connection, Selection(TENANT))):
        for component, amount in call.components:
            key = (row.customer, period.label, component)
            sums[key] = EXACT.add(sums.get(key, Decimal(0)), amount)
    return {key: amount for key, amount in sums.items() if amount}


def billed(connection: Any) -> dict[tuple[str | None, str, str], Decimal]:
    """The usage lines of all bills."""
    scope = Scope(connection, accounts_of(connection), 0, "UTC", NOBODY)
    wanted = billed_periods(scope)
    return {
        (customer, period.label, line.component): line.amount_exact
        for (customer, period), bill in zip(wanted, rated_periods(scope, wanted), strict=True)
        for line in bill.lines
        if line.kind == "usage" and line.amount_exact
    }


def legs(draw: Random) -> list[dict[str, Any]]:
    drawn = random_prices.legs(draw)
    for _revision, same in groupby(drawn, key=lambda leg: (leg["call_id"], leg.get("revision", 1))):
        said = {"user": draw.choice(["ann", "bob", None]), "model": draw.choice(["gpt-4o", "gpt-4.1"])}
        meter = draw.choice(["pages", "seats", "people"])
        for leg in same:  # the leg that takes a revision back says all that the revision says
            leg.update(said)
            if leg["tags"]:
                leg["tags"] = '{"team":"red/~1\'"}'
            if leg.get("kind") == "unit":
                leg.update({"meter": meter, "quantity": abs(leg["quantity"])})
    return drawn


@pytest.mark.parametrize("seed", range(6))
def test_bills_of_all_customers_are_the_charges_of_their_calls(seed: int) -> None:
    connection = store_with(WIDE, {name: {"plans": [{"plan": "wide"}]} for name in "ab"}, legs(Random(seed)))  # noqa: S311 -- the same calls each time
    assert billed(connection) == charged(connection) != {}


def test_many_customers_are_read_as_each_by_itself() -> None:
    drawn = legs(Random(7))  # noqa: S311 -- the same calls each time
    connection = store_with(WIDE, {name: {"plans": [{"plan": "wide"}]} for name in "ab"}, drawn)
    accounts = accounts_of(connection)
    wanted = [(name, accounts.period(name, "2026-11")) for name in ("b", None, "a")]
    together = usage_of(connection, accounts, wanted, Tariffs())
    for one, usage in zip(wanted, together, strict=True):
        (alone,) = usage_of(connection, accounts, [one], Tariffs())
        assert alone.samples == usage.samples
        assert sorted(map(repr, alone.groups)) == sorted(map(repr, usage.groups))
    assert usage_of(connection, accounts, [], Tariffs()) == []


def test_a_call_without_a_known_cost_makes_a_group_of_its_own() -> None:
    when = {"started_ns": NOVEMBER + DAY, "customer": "a", "input": 1_000_000, "output": 0}
    connection = store_with(
        {**WIDE, "card.yaml": {**WIDE["card.yaml"], "prices": [{"tokens": {"cost_plus": {"markup": "50"}}}]}},
        {"a": {"plans": [{"plan": "wide"}]}},
        [
            {**when, "call_id": "call_1", "model": "gpt-4.1"},
            {**when, "call_id": "call_2", "model": "nobody-sells-this"},
        ],
    )
    scope = Scope(connection, accounts_of(connection), 0, "UTC", NOBODY)
    (bill,) = rated_periods(scope, billed_periods(scope))
    assert [(line.quantity, line.amount_exact) for line in bill.lines if line.kind == "usage"] == [(1_000_000, 3)]
    assert [(one.reason, one.quantity) for one in bill.unpriced] == [("cost unknown", 1_000_000)]


@pytest.mark.parametrize("seed", range(8))
def test_calls_rated_from_an_instant_on_are_charged_as_ever(seed: int) -> None:
    draw = Random(seed)  # noqa: S311 -- the same bills each time
    files = WIDE if seed % 4 == 0 else random_prices.files(draw)
    plans = [{"plan": "wide"}] if files is WIDE else [{"plan": "one"}, {"plan": "two", "from": "2026-11-16"}]
    drawn = legs(draw) if files is WIDE else random_prices.legs(draw)
    connection = store_with(files, {name: {"plans": plans} for name in "ab"}, drawn)
    selection, start = Selection(TENANT), NOVEMBER + draw.randint(0, 25) * DAY
    whole = Rater(accounts_of(connection)).rate(select(connection, selection))
    later = resumed(connection, accounts_of(connection), selection, start)
    assert list(later) == [call for call in whole if call.row.started_ns >= start]
