"""Filters of questions about money: what they let through, and what is then left out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from query.shop import Shop, card, plan, total

PRICES = {
    "card.yaml": card([{"input": "4", "output": "16"}], per="1M"),
    "plan.yaml": plan("pro", base_fee={"amount": "9", "allocate": "usage"}),
}
CALLS: list[dict[str, Any]] = [
    {"customer": "acme", "feature": "chat", "request_model": "gpt-4.1"},
    {"customer": "acme", "feature": "search", "request_model": "gpt-4.1-mini", "quality": "estimated"},
    {"customer": "acme", "feature": "chat", "request_model": "gpt-4.1-mini", "environment": "staging"},
    {"customer": "globex", "feature": "chat", "request_model": "gpt-4.1", "quality": "derived"},
    {"feature": "chat", "request_model": "gpt-4.1"},
]


@pytest.fixture
def filled(shop: Shop) -> Shop:
    shop.price(PRICES)
    shop.customer("acme", plan="pro", segment="large")
    shop.customer("globex", plan="pro", segment="small")
    used = ({"input": 1_000 * n, "output": 100 * n} for n in range(1, len(CALLS) + 1))
    shop.send(*(shop.call("2026-11-03T10:00Z", counts, **said) for counts, said in zip(used, CALLS, strict=True)))
    return shop


@pytest.mark.parametrize(
    "given",
    [{"feature": "chat"}, {"model": "gpt-4.1-mini"}, {"environment": "staging"}, {"unattributed": "true"},
     {"feature": "chat", "customer": "acme"}, {"reason": "billable", "segment": "large"}],
)  # fmt: skip
def test_a_filtered_margin_has_the_charges_and_costs_of_the_filtered_usage(filled: Shop, given: dict[str, str]) -> None:
    used, earned = filled.ask("usage", by="model", **given), filled.ask("margin", by="model", **given)
    assert total(earned.rows, "revenue") == total(used.rows, "charge")
    assert total(earned.rows, "cost") == total(used.rows, "cost")
    assert {row["model"]: row["calls"] for row in earned.rows} == {row["model"]: row["calls"] for row in used.rows}


def test_what_no_call_causes_is_left_out_where_calls_are_filtered(filled: Shop) -> None:
    assert total(filled.ask("margin").rows, "base_fees") == 18
    assert total(filled.ask("margin", customer="acme").rows, "base_fees") == 9
    assert total(filled.ask("margin", segment="small").rows, "base_fees") == 9
    narrow = filled.ask("margin", feature="chat", by="customer")
    assert total(narrow.rows, "base_fees") == 0
    assert narrow.notes[-1].endswith("left out: feature filters calls")


def test_parts_of_a_filter_add_up_to_the_whole(filled: Shop) -> None:
    whole = total(filled.ask("margin", by="feature").rows, "cost")
    parts = [filled.ask("margin", by="feature", feature=name) for name in ("chat", "search")]
    assert sum((total(part.rows, "cost") for part in parts), Decimal(0)) == whole


def test_a_divided_fee_goes_by_each_customers_own_usage(filled: Shop) -> None:
    rows = filled.ask("margin", by="feature").rows
    assert {row["feature"]: row["base_fees"] for row in rows if row["currency"]} == {
        "chat": Decimal("15.00"),  # acme used 4,400 of 6,600 tokens, globex all of its own
        "search": Decimal("3.00"),
    }


@pytest.mark.parametrize(
    ("given", "found"),
    [({"feature": "search"}, {"acme": 100}), ({"customer": "globex", "model": "gpt-4.1"}, {"globex": 100}),
     ({"environment": "staging"}, {}), ({"segment": "large"}, {"acme": Decimal("33.33")})],
)  # fmt: skip
def test_inexact_usage_is_a_share_of_what_the_filters_let_through(
    filled: Shop, given: dict[str, str], found: dict[str, Any]
) -> None:
    rows = filled.ask("inexact", **given).rows
    assert {row["customer"]: round(Decimal(str(row["share_of_calls"])), 2) for row in rows} == found
