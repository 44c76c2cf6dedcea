"""What no call causes is rated once for all who hold the same, and comes to what their bills say."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from query.shop import Shop, card, plan
from tollspan_rater.query import fees

MONTHS = ("2026-10", "2026-11")
FILES = {
    "card.yaml": card([{"tokens": "0.01"}]),
    "plain.yaml": plan("plain", base_fee="9.99"),
    "dear.yaml": plan("dear", base_fee="30", discounts=[{"percent": 10}], minimum="50"),
    "saved.yaml": plan("saved", base_fee="7", included={"tokens": {"quantity": 100, "rollover": 2}}),
    "terms.yaml": {"terms": "own", "from": "2026-10-01", "base_fee": "1"},
}
CUSTOMERS: dict[str, dict[str, Any]] = {
    **{f"plain-{number}": {"plan": "plain"} for number in range(5)},
    **{f"dear-{number}": {"plan": "dear"} for number in range(2)},
    "saved": {"plan": "saved"},
    "own": {"plan": "plain"},
    "east": {"plan": "plain", "zone": "Asia/Tokyo"},
    "small": {"plan": "plain", "segment": "small"},
    "none": {},
}


@pytest.fixture
def shop_of_many(shop: Shop) -> Shop:
    shop.price(FILES)
    for name, known in CUSTOMERS.items():
        shop.customer(name, **known)
    days = ("2026-10-03T10:00Z", "2026-11-03T10:00Z")
    users = ("plain-0", "dear-1", "saved", "stranger")
    shop.send(*(shop.call(day, {"input": 500, "output": 20}, customer=name) for day in days for name in users))
    return shop


def beside(shop: Shop, by: str, **filters: str) -> dict[Any, tuple[Any, Any]]:
    rows = shop.ask("margin", by=by, from_="2026-10-01", to="2026-12-01", **filters).rows
    return {row[by]: (row["base_fees"], row["modifiers"]) for row in rows if row["base_fees"] or row["modifiers"]}


def billed(shop: Shop, name: str) -> tuple[Decimal, Decimal]:
    lines = [row for month in MONTHS for row in shop.ask("invoice", customer=name, period=month).rows]
    sums = [Decimal(0), Decimal(0)]
    for line in lines:
        if line["kind"] != "usage":
            own = line["kind"] in fees.FEES
            sums[0 if own else 1] += Decimal(str(line["amount" if own else "amount_exact"]))
    return sums[0], sums[1]


def test_each_customer_has_what_its_bills_say(shop_of_many: Shop) -> None:
    found = beside(shop_of_many, "customer")
    assert found == {name: billed(shop_of_many, name) for name in CUSTOMERS if name != "none"}
    assert found["dear-0"] == (60, 40)  # a minimum of 50 for two months in which nothing was used


def test_what_is_asked_apart_adds_up_to_the_same(shop_of_many: Shop) -> None:
    whole = [sum(column) for column in zip(*beside(shop_of_many, "customer").values(), strict=True)]
    for by in ("plan", "month", "segment", "period", "feature"):
        assert [sum(column) for column in zip(*beside(shop_of_many, by).values(), strict=True)] == whole
    assert beside(shop_of_many, "customer", segment="small") == {"small": (Decimal("19.98"), 0)}
    assert beside(shop_of_many, "customer", customer="own") == {"own": billed(shop_of_many, "own")}
    assert beside(shop_of_many, "customer", customer="stranger") == {}


def test_who_holds_the_same_is_rated_once(shop_of_many: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    rated: list[Any] = []
    rate = fees.rate
    monkeypatch.setattr(fees, "rate", lambda period, *more: rated.append(period.label) or rate(period, *more))
    beside(shop_of_many, "customer")
    assert sorted(rated) == sorted(MONTHS * 5)  # plain, in another zone, with terms, saved, without a plan
