"""Retry leakage: what attempts that gave nothing used and cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from query.shop import Shop, card, plan

FILES = {
    "card.yaml": card([{"input": "4", "output": "16"}], per="1M"),
    "plan.yaml": plan("pro"),
    "all.yaml": plan("all", policy={"attempts": "all"}),
}


@pytest.fixture
def priced(shop: Shop) -> Shop:
    shop.price(FILES)
    shop.customer("a", plan="pro")
    return shop


def attempts(shop: Shop, outcomes: list[tuple[str, dict[str, int] | None]], **said: Any) -> None:
    """One logical call whose attempts end as given."""
    first = shop.call("2026-11-03T10:00:00Z", outcomes[0][1], outcome=outcomes[0][0], attempt=1, **said)
    later = [
        shop.call(f"2026-11-03T10:00:{number:02}Z", counts, outcome=outcome, attempt=number,
                  retry_of=first.identity.record_id, **said)
        for number, (outcome, counts) in enumerate(outcomes[1:], 2)
    ]  # fmt: skip
    shop.send(first, *later)


LOST, SERVED = {"input": 1_000, "output": 50}, {"input": 1_000, "output": 200}


def test_three_attempts_one_success(priced: Shop) -> None:
    attempts(priced, [("failed", LOST), ("failed", LOST), ("complete", SERVED)], customer="a", feature="chat")
    (row,) = priced.ask("leakage", by="customer,feature,model").rows
    assert (row["customer"], row["feature"], row["model"]) == ("a", "chat", "gpt-4.1")
    assert (row["attempts"], row["failed"], row["aborted"], row["retried"]) == (3, 2, 0, 0)
    assert (row["cost"], row["share_of_cost"], row["charge"]) == (Decimal("0.0048"), Decimal("57.14"), 0)
    assert (row["total_tokens"], row["share_of_tokens"]) == (2_100, Decimal("63.64"))
    usage = priced.ask("usage", by="reason").rows
    assert {used["reason"]: (used["input_tokens"], used["output_tokens"]) for used in usage} == {
        "retried": (2_000, 100), "billable": (1_000, 200),
    }  # fmt: skip
    assert [used["cost"] for used in priced.ask("usage").rows] == [Decimal("0.0084")]
    assert "2 of 3 attempts gave nothing; 0.0036 went to those that served" in priced.ask("leakage").notes


def test_a_refusal_without_usage_is_a_visible_attempt_that_costs_0(priced: Shop) -> None:
    attempts(priced, [("failed", None), ("complete", SERVED)], customer="a")
    (row,) = priced.ask("leakage").rows
    assert (row["attempts"], row["failed"], row["not_charged"], row["cost"], row["unknown_cost"]) == (2, 1, 1, 0, 0)
    assert any("1 attempts cost 0: the provider states no usage" in note for note in priced.ask("leakage").notes)


@pytest.mark.parametrize(
    ("outcomes", "kinds"),
    [
        (["complete"], None),
        (["cache_hit"], None),
        (["timeout"], (1, 0, 0)),
        (["aborted"], (0, 1, 0)),
        (["aborted", "complete"], (0, 1, 0)),
        (["complete", "complete"], (0, 0, 1)),
        (["failed", "aborted", "complete", "complete"], (1, 1, 1)),
    ],
)
def test_each_attempt_that_gave_nothing_is_counted_once(
    priced: Shop, outcomes: list[str], kinds: tuple[int, ...] | None
) -> None:
    attempts(priced, [(outcome, LOST) for outcome in outcomes], customer="a")
    answer = priced.ask("leakage")
    assert [(row["failed"], row["aborted"], row["retried"]) for row in answer.rows] == ([kinds] if kinds else [])
    if kinds is None:
        assert f"none of {len(outcomes)} attempts failed, broke off or was made again" in answer.notes


def test_what_a_policy_charges_is_shown_as_charged(priced: Shop) -> None:
    priced.customer("b", plan="all")
    for name in ("a", "b"):
        attempts(priced, [("failed", LOST), ("complete", SERVED)], customer=name)
    answer = priced.ask("leakage")
    assert {row["customer"]: row["charge"] for row in answer.rows} == {"a": 0, "b": Decimal("0.0048")}
    assert answer.totals is not None
    assert (answer.totals["cost"], answer.totals["charge"]) == (Decimal("0.0048"), Decimal("0.0048"))
    (row,) = priced.ask("leakage", customer="b").rows
    assert row["customer"] == "b"
    assert [row["customer"] for row in priced.ask("leakage", top="1").rows] == ["a"]


def test_units_are_no_attempts_and_unknown_cost_is_not_nothing(priced: Shop) -> None:
    priced.send(priced.unit("2026-11-03T10:00Z", "page", "1", customer="a"))
    attempts(priced, [("aborted", None), ("failed", LOST)], customer="a", request_model="mystery")
    (row,) = priced.ask("leakage").rows
    assert (row["attempts"], row["cost"], row["share_of_cost"], row["unknown_cost"]) == (2, None, None, 2)
