"""Shares of a whole, from the largest down, and base fees where an answer looks below the customer."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from query.shop import Shop, card, plan, total

FREE = card([{"tokens": "0"}])


def fee(rule: str | None, amount: str = "100") -> dict[str, object]:
    stated: object = amount if rule is None else {"amount": amount, "allocate": rule}
    return {"card.yaml": FREE, "plan.yaml": plan("pro", base_fee=stated)}


def used(shop: Shop, *uses: tuple[str, str, int]) -> None:
    shop.send(
        *(
            shop.call("2026-11-03T10:00Z", {"input": tokens, "output": 0}, customer=customer, feature=feature)
            for customer, feature, tokens in uses
        )
    )


@pytest.mark.parametrize(
    ("rule", "fees"),
    [
        (None, {"(base fee)": "100"}),
        ("none", {"(base fee)": "100"}),
        ("usage", {"chat": "75", "search": "25"}),
        ("equal", {"chat": "50", "search": "50"}),
    ],
)
def test_a_base_fee_is_divided_as_its_plan_says(shop: Shop, rule: str | None, fees: dict[str, str]) -> None:
    shop.price(fee(rule))
    shop.customer("a", plan="pro")
    used(shop, ("a", "chat", 700), ("a", "chat", 50), ("a", "search", 250))
    rows = shop.ask("margin", by="feature").rows
    assert {row["feature"]: row["base_fees"] for row in rows if row["base_fees"]} == {
        name: Decimal(amount) for name, amount in fees.items()
    }
    assert [row["base_fees"] for row in shop.ask("margin", by="customer").rows] == [100]


def test_a_fee_of_somebody_who_used_nothing_stays_whole(shop: Shop) -> None:
    shop.price(fee("usage"))
    shop.customer("a", plan="pro")
    shop.customer("silent", plan="pro")
    used(shop, ("a", "chat", 10))
    assert {row["feature"]: row["base_fees"] for row in shop.ask("margin", by="feature").rows} == {
        "chat": 100, "(base fee)": 100,
    }  # fmt: skip


def test_units_without_tokens_share_by_their_number(shop: Shop) -> None:
    shop.price(fee("usage", "90"))
    shop.customer("a", plan="pro")
    pages = [("chat", "5"), ("search", "900"), ("search", "1")]
    shop.send(*(shop.unit("2026-11-03T10:00Z", "page", much, customer="a", feature=name) for name, much in pages))
    assert {row["feature"]: row["base_fees"] for row in shop.ask("margin", by="feature").rows} == {
        "chat": 30, "search": 60,
    }  # fmt: skip


@settings(max_examples=6, deadline=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(["usage", "equal"]),
    st.integers(0, 10_000).map(lambda cents: f"{Decimal(cents) / 100}"),
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(["x", "y", "z"]), st.integers(0, 99)), min_size=1, max_size=6
    ),
)
def test_the_parts_of_fees_add_up_to_the_cent(
    open_shop: Callable[[], Shop], rule: str, amount: str, uses: list[tuple[str, str, int]]
) -> None:
    shop = open_shop()
    shop.price(fee(rule, amount))
    for name in "ab":
        shop.customer(name, plan="pro")
    used(shop, *uses)
    rows = shop.ask("margin", by="feature,model").rows
    assert total(rows, "base_fees") == 2 * Decimal(amount)
    assert all(part == part.quantize(Decimal("0.01")) for row in rows if isinstance(part := row["base_fees"], Decimal))


@pytest.fixture
def heavy(shop: Shop) -> Shop:
    """One customer has 4 of 10 million tokens."""
    shop.price({"card.yaml": card([{"input": "1"}], per="1M"), "plan.yaml": plan("pro")})
    millions = {"a": 1, "heavy": 4, "b": 3, "c": 2}
    for name in millions:
        shop.customer(name, plan="pro", segment="paid" if name in {"heavy", "a"} else "free")
    used(shop, *((name, "chat", 1_000_000) for name, much in millions.items() for _ in range(much)))
    return shop


@pytest.mark.parametrize("sort", ["total_tokens", "charge"])
def test_a_heavy_user_stands_first_with_40_percent(heavy: Shop, sort: str) -> None:
    rows = heavy.ask("usage", sort=sort).rows
    assert [(row["customer"], row["share"], row["cumulative_share"]) for row in rows] == [
        ("heavy", 40, 40), ("b", 30, 70), ("c", 20, 90), ("a", 10, 100),
    ]  # fmt: skip
    assert [row["customer"] for row in heavy.ask("usage", sort=sort, top="1").rows] == ["heavy"]


def test_margins_have_shares_of_what_they_are_sorted_by(heavy: Shop) -> None:
    by_revenue = heavy.ask("margin", sort="revenue").rows
    assert [(row["customer"], row["share"], row["cumulative_share"]) for row in by_revenue][:2] == [
        ("heavy", 40, 40), ("b", 30, 70),
    ]  # fmt: skip
    by_margin = heavy.ask("margin").rows  # each million costs 2 and brings 1
    assert [(row["customer"], row["margin"], row["share"]) for row in by_margin][-1] == ("heavy", -4, 40)


def test_segments_are_asked_for_and_grouped_by(heavy: Shop) -> None:
    assert {row["segment"]: row["calls"] for row in heavy.ask("usage", by="segment").rows} == {"paid": 5, "free": 5}
    assert {row["segment"]: row["revenue"] for row in heavy.ask("margin", by="segment").rows} == {"paid": 5, "free": 5}
    assert [row["customer"] for row in heavy.ask("usage", segment="free").rows] == ["b", "c"]
    assert [row["customer"] for row in heavy.ask("margin", segment="free", sort="revenue").rows] == ["b", "c"]
