"""From any id to the bill and back: the eight questions on one screen."""

from __future__ import annotations

from typing import Any

import pytest

from query.shop import Shop, card, plan
from tollspan_rater.errors import NotFoundError

EIGHT = (
    "which customer and user", "which feature and model", "how many tokens of each kind", "what did it cost us",
    "does it count toward a quota", "is it on an invoice, on which line", "production, internal or test",
    "what kind of account",
)  # fmt: skip


@pytest.fixture
def told(shop: Shop) -> Shop:
    shop.price(
        {
            "card.yaml": card(
                [{"tokens": {"graduated": [{"up_to": "1000", "price": "2"}, {"price": "1"}], "per": "1K"}}]
            ),
            "plan.yaml": plan("pro", base_fee="10"),
        }
    )
    shop.customer("a", plan="pro")
    calls = [
        shop.call(f"2026-11-03T10:00:0{n}Z", {"input": 600, "output": 100}, customer="a", user="ann", feature="chat")
        for n in range(3)
    ]
    shop.send(*calls)
    shop.send(calls[0])
    return shop


def said(shop: Shop, name: str) -> dict[str, Any]:
    return {str(row["what"]): row["value"] for row in shop.ask("explain", id=name).rows}


def test_a_call_answers_the_eight_questions(told: Shop) -> None:
    second = told.ask("calls").rows[1]
    answer = said(told, str(second["call_id"]))
    line = next(row for row in told.ask("invoice", customer="a", period="2026-11").rows if row["kind"] == "usage")
    assert {name: answer[name] for name in EIGHT} == {
        "which customer and user": "a / ann",
        "which feature and model": "chat / openai gpt-4.1, chat",
        "how many tokens of each kind": "input 600, output 100 (exact, complete)",
        "what did it cost us": answer["what did it cost us"],
        "does it count toward a quota": "yes (billable)",
        "is it on an invoice, on which line": line["line_id"],
        "production, internal or test": "production (nobody said otherwise)",
        "what kind of account": "ordinary, plan pro",
    }
    assert str(answer["what did it cost us"]).startswith("0.002 USD = ")
    assert answer["what do we charge"] == "1 USD"  # 300 at 2, 400 at 1 a thousand
    assert answer["leg +1"].endswith("input 600, output 100, customer a")


def test_a_trace_and_a_span_lead_to_their_call(told: Shop) -> None:
    first = told.ask("calls").rows[0]
    trace_id = first["trace_ids"][0]  # type: ignore[index]
    rows = told.ask("explain", id=trace_id.upper()).rows
    fates = [row["value"] for row in rows if str(row["what"]).startswith("fate of piece")]
    assert fates[0] == "stored"
    assert str(fates[1]).startswith("duplicate, held by piece ")
    assert f"call {first['call_id']}" in {row["about"] for row in rows}
    span_id = str(rows[0]["about"]).removeprefix("span ")
    assert f"call {first['call_id']}" in {row["about"] for row in told.ask("explain", id=span_id).rows}


def test_every_line_is_found_by_its_id_also_in_months_without_usage(told: Shop) -> None:
    for period in ("2026-11", "2026-12"):
        for row in told.ask("invoice", customer="a", period=period).rows:
            answer = told.ask("explain", id=str(row["line_id"]))
            values = {str(one["what"]): one["value"] for one in answer.rows}
            assert values["on the bill of"] == f"a, {period} (UTC)"
            assert str(values["amount"]).endswith(f"rounded {row['amount']:f}")
            listed = [one for one in answer.rows if str(one["what"]).startswith("call c_")]
            assert len(listed) == (3 if row["kind"] == "usage" else 0)


@pytest.mark.parametrize("name", ["0" * 32, "0" * 16, "c_none", "ln_none", "what?"])
def test_what_is_not_there_is_said(told: Shop, name: str) -> None:
    with pytest.raises(NotFoundError):
        told.ask("explain", id=name)


def test_another_tenants_ids_lead_nowhere(told: Shop, shop: Shop, open_shop: Any) -> None:
    stranger = open_shop()
    row = told.ask("calls").rows[0]
    for name in (row["call_id"], row["trace_ids"][0]):  # type: ignore[index]
        with pytest.raises(NotFoundError):
            stranger.ask("explain", id=name)
