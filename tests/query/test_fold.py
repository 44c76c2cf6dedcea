"""Rows of sums are folded by the database into one for each value of an answer's dimensions, to the same digits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from query.shop import Shop, card, plan
from tollspan_rater.query import fold
from tollspan_rater.query.accounts import Accounts
from tollspan_rater.query.fold import SumsTable
from tollspan_rater.query.grouping import group
from tollspan_rater.query.scope import Scope, currency_of, grouped_sums, rated_sums, reader

PRICES = {
    "card.yaml": card([{"model": "gpt-4.1", "input": "0.000004", "output": "0.000016"}, {"retrieval": "0.5"}]),
    "euro.yaml": card([{"input": "0.3333333333333333333"}], currency="EUR"),
    "tiers.yaml": card([{"tokens": {"graduated": [{"up_to": "900", "price": "1"}, {"price": "0.5"}]}}], currency="GBP"),
    "dollars.yaml": plan("dollars"),
    "euros.yaml": plan("euros", currency="EUR"),
    "pounds.yaml": plan("pounds", currency="GBP", included={"tokens": "100"}),
    "costs/ours.yaml": {
        "costs": [
            {
                "provider": "anthropic", "model": "claude-sonnet-4-5", "from": "2026-01-01", "currency": "EUR",
                "rates": {"input": {"per_1m": "2.5"}, "output": {"per_1m": "12"}},
            }
        ]
    },
}  # fmt: skip
GROUPINGS = ("customer", "model,reason", "day,plan", "currency", "feature,segment", "period")


@pytest.fixture
def used(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(fold, "FEW", 0)
    monkeypatch.setattr(fold, "ENOUGH", 1)
    shop.price(PRICES)
    plans = ("dollars", "dollars", "euros", "pounds", "pounds", None)
    for number, name in enumerate(plans):
        shop.customer(f"c{number}", segment="big" if number % 2 else None, **({} if name is None else {"plan": name}))
    shop.send(*(one for number in range(len(plans)) for one in _calls(shop, number)))
    return shop


def _calls(shop: Shop, number: int) -> Iterator[Any]:
    who = {"customer": f"c{number}"}
    claude = {"request_model": "claude-sonnet-4-5", "provider": "anthropic"}
    for day in ("2026-11-05T10:00Z", "2026-11-30T23:30Z"):
        yield shop.call(day, {"input": 100 + number, "cache_read": number, "output": 7}, **who, feature="chat")
        yield shop.call(day, {"input": 11 * number}, **who, environment="test")
        yield shop.call(day, {"input": 300, "output": 9}, **who, **claude)
        yield shop.call(day, {"input": 5, "output": 3}, **who, request_model="nobody-sells-this")
        yield shop.call(day, None, **who, outcome="failed")
        yield shop.unit(day, "retrieval", "1.25", **who)


def assert_same(shop: Shop, asked: dict[str, str], *groupings: str) -> None:
    with shop.rater.database.snapshot() as connection:
        for by in (one.split(",") for one in groupings):
            scope = Scope(connection, Accounts(connection, shop.tenant, "UTC"), 0, "Europe/Berlin", shop.rater.names)
            calls, path = rated_sums(scope, asked, by)
            expected = group(calls, [reader(scope, name) for name in by], currency_of(scope))
            found, path_of_groups = grouped_sums(scope, asked, by)
            assert {key: sums.cells() for key, sums in found.items()} == {
                key: sums.cells() for key, sums in expected.items()
            }
            assert {key: sums.costs for key, sums in found.items()} == {
                key: sums.costs for key, sums in expected.items()
            }
            assert path_of_groups == path


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """How many rows came folded, and how many apart, each time."""
    noted: list[tuple[int, int]] = []
    folded = SumsTable.folded

    def noting(table: SumsTable, *given: Any) -> Any:
        found, rest = folded(table, *given)
        pairs = list(found)
        noted.append((len(pairs), len(rest)))
        return iter(pairs), rest

    monkeypatch.setattr(SumsTable, "folded", noting)
    return noted


@pytest.mark.parametrize(
    "asked",
    [{}, {"unpriced": "true"}, {"from": "2026-11-30", "plan": "pounds", "model": "gpt-4.1"}],
)
def test_folded_or_not_groups_are_the_same(used: Shop, asked: dict[str, str]) -> None:
    assert_same(used, asked, *GROUPINGS)


def test_kinds_of_a_customer_become_one_row(used: Shop, read: list[tuple[int, int]]) -> None:
    rows = used.ask("usage", by="customer").rows
    assert len(rows) == 6
    assert read == [(6, 6)]  # units of a customer stay apart
    assert {row["cost_currency"] for row in rows} == {None}  # dollars are not added to euros


def test_numbers_that_could_leave_128_bits_are_added_up_outside(
    used: Shop, read: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "LIMIT", 10**20)
    assert_same(used, {}, "customer")
    assert {folded for folded, _ in read} == {0}


def test_few_rows_are_not_folded(used: Shop, read: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold, "FEW", 1000)
    assert_same(used, {}, "customer")
    assert {folded for folded, _ in read} == {0}
