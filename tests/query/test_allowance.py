"""What is left of allowances."""

from __future__ import annotations

from decimal import Decimal

import pytest

from query.shop import Shop, card, plan
from tollspan_rater.errors import NotFoundError

EACH = {"input": 3_000, "output": 940}
FILES = {
    "card.yaml": card([{"tokens": "0.02", "page": "1"}], per="1K", meters=["page"]),
    "free.yaml": plan("free", included={"tokens": "50000"}, zone="Europe/Berlin"),
    "two.yaml": plan("two", included={"tokens": {"quantity": "1000", "rollover": {"periods": 1}}, "page": "3"}),
    "none.yaml": plan("none"),
}


@pytest.fixture
def free(shop: Shop) -> Shop:
    shop.price(FILES)
    shop.customer("a", plan="free", **{"from": "2026-11-01"})
    return shop


def left(shop: Shop, **asked: str) -> list[tuple[object, ...]]:
    rows = shop.ask("allowance", **asked).rows
    return [
        tuple(row[name] for name in ("meter", "limit", "used", "remaining", "over", "used_percent")) for row in rows
    ]


@pytest.mark.parametrize(
    ("calls", "used", "remaining", "over", "percent"),
    [(0, 0, 50_000, 0, "0"), (12, 47_280, 2_720, 0, "94.56"), (13, 51_220, 0, 1_220, "102.44")],
)
def test_a_free_plan_of_50_000_tokens_a_month(
    free: Shop, calls: int, used: int, remaining: int, over: int, percent: str
) -> None:
    if calls:
        free.send(*(free.call("2026-11-03T10:00Z", EACH, customer="a") for _ in range(calls)))
    assert left(free, customer="a", period="2026-11") == [("tokens", 50_000, used, remaining, over, Decimal(percent))]
    assert left(free, customer="a", period="2026-12") == [("tokens", 50_000, 0, 50_000, 0, 0)]
    (row,) = free.ask("allowance", customer="a", period="2026-11").rows
    assert (row["period"], row["plan"], row["resets_at"]) == ("2026-11", "free", "2026-11-30T23:00:00.000000Z")


@pytest.mark.parametrize(("tokens", "over"), [(50_000, 0), (50_001, 1)])
def test_exactly_at_the_limit_is_inside(free: Shop, tokens: int, over: int) -> None:
    free.send(free.call("2026-11-03T10:00Z", {"input": tokens}, customer="a"))
    (row,) = free.ask("allowance", customer="a", period="2026-11").rows
    assert (row["remaining"], row["over"]) == (0, over)


def test_what_does_not_count_toward_quotas_uses_nothing(free: Shop) -> None:
    said = ({"environment": "test"}, {"phase": "trial"}, {"outcome": "failed"})
    free.send(*(free.call("2026-11-03T10:00Z", EACH, customer="a", **one) for one in said))
    assert [row["used"] for row in free.ask("allowance", customer="a", period="2026-11").rows] == [3_940]  # the trial


def test_allowances_of_all_customers_stand_below_each_other(free: Shop) -> None:
    free.customer("b", plan="two")
    free.customer("c", plan="none")
    free.send(free.unit("2026-12-03T10:00Z", "page", "4.5", customer="b"))
    rows = free.ask("allowance", all="true").rows
    assert [(row["customer"], row["meter"], row["over"]) for row in rows] == [
        ("a", "tokens", 0), ("b", "page", Decimal("1.5")), ("b", "tokens", 0),
    ]  # fmt: skip
    assert free.ask("usage", against_plan="true").rows == rows
    assert free.ask("usage", against_plan="true", customer="b").rows == rows[1:]
    assert "no plan of these customers includes anything" in free.ask("allowance", customer="c").notes[0]


def test_what_was_left_of_the_month_before_is_in_the_limit(free: Shop) -> None:
    free.customer("b", plan="two", **{"from": "2026-11-01"})
    free.send(free.call("2026-11-03T10:00Z", {"input": 400}, customer="b"))
    row = next(row for row in free.ask("allowance", customer="b", period="2026-12").rows if row["meter"] == "tokens")
    assert (row["limit"], row["rolled_over"], row["added"], row["remaining"]) == (1_600, 600, 0, 1_600)


def test_nobodys_allowance_is_refused(free: Shop) -> None:
    with pytest.raises(NotFoundError):
        free.ask("allowance", customer="never-heard-of")
