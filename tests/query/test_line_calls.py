"""From a line to the calls that cause it, and to all usage that its price fits."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from query.shop import Shop, at, card, plan, total
from tollspan_rater.errors import NotFoundError

PAGE = (Path(__file__).parents[2] / "docs/concepts/usage.md").read_text(encoding="utf-8")
NOVEMBER = {"customer": "a", "period": "2026-11"}
CREDITS = {
    "card.yaml": card(
        [{"convert": {"to": "credits", "per": 1, "input": 1, "output": 1}}, {"credits": "0.01"}], meters=["credits"]
    ),
    "plan.yaml": plan("pro"),
}
USED = (
    (11_300, {}), (700, {}), (600, {"phase": "trial"}), (400, {"environment": "internal"}),
    (300, {"environment": "test"}), (200, {"outcome": "failed"}),
)  # fmt: skip


def facts(shop: Shop, name: str) -> dict[str, object]:
    return {str(row["what"]): row["value"] for row in shop.ask("explain", id=name).rows}


def test_12_000_credits_are_charged_of_13_500_that_were_accepted(shop: Shop) -> None:
    shop.price(CREDITS)
    shop.customer("a", plan="pro")
    records = [shop.call("2026-11-03T10:00Z", {"input": much}, customer="a", **said) for much, said in USED]
    shop.send(*records)
    shop.send(records[1])  # the 700 again
    (line,) = shop.ask("invoice", **NOVEMBER).rows
    assert (line["quantity"], line["amount"]) == (12_000, Decimal("120.00"))
    said = facts(shop, str(line["line_id"]))
    assert said["usage accepted"] == "13,500 in 6 calls and units"
    on_bill, aside = "on the invoice, counts toward the quota", "not on the invoice, not toward the quota"
    assert {name: words for name, words in said.items() if name.startswith("of it")} == {
        "of it billable": f"12,000 in 2 calls and units: {on_bill}",
        "of it trial": "600 in 1 calls and units: not on the invoice, counts toward the quota",
        "of it internal": f"400 in 1 calls and units: {aside}",
        "of it test": f"300 in 1 calls and units: {aside}",
        "of it failed": f"200 in 1 calls and units: {aside}",
    }
    shown = dict(re.findall(r"^(usage accepted|of it \w+|duplicates apart) +(.+)$", PAGE, re.MULTILINE))
    assert {name: said[name] for name in shown} == shown
    assert said["duplicates apart"] == "700 in 1 calls and units: the same spans again, not usage"


def test_converted_usage_divides_in_units_of_the_line(shop: Shop) -> None:
    weighted = card(
        [{"convert": {"to": "credits", "per": 1, "input": 3, "output": 1}}, {"credits": "0.01"}], meters=["credits"]
    )
    shop.price({"card.yaml": weighted, "plan.yaml": plan("pro")})
    shop.customer("a", plan="pro")
    shop.send(*(shop.call("2026-11-03T10:00Z", {"input": 100}, customer="a", phase=phase) for phase in (None, "trial")))
    (line,) = shop.ask("invoice", **NOVEMBER).rows
    said = facts(shop, str(line["line_id"]))
    assert (line["quantity"], said["usage accepted"]) == (300, "600 in 2 calls and units")


TIERED = {
    "card.yaml": card(
        [
            {"input": {"graduated": [{"up_to": "1000", "price": "0.003"}, {"price": "0.001"}]}},
            {"output": {"package": {"size": "100", "price": "0.5"}}},
            {"page": "2"},
        ],
        meters=["page"],
    ),
    "plan.yaml": plan("pro", base_fee="20", included={"input": "700"}),
}


@pytest.fixture
def tiered(shop: Shop) -> Shop:
    shop.price(TIERED)
    shop.customer("a", plan="pro")
    shop.send(*(shop.call(f"2026-11-0{day}T10:00Z", {"input": 500, "output": 60}, customer="a") for day in range(1, 6)))
    shop.send(shop.unit("2026-11-03T10:00Z", "page", "3", customer="a"))
    return shop


def lines(shop: Shop) -> dict[str, dict[str, Any]]:
    return {str(row["meter"]): dict(row) for row in shop.ask("invoice", **NOVEMBER).rows}


@pytest.mark.parametrize(("meter", "parts"), [("input", "0.9 1.5 0.9 0.5"), ("output", "0.5 0.5 0.5"), ("page", "6")])
def test_the_parts_of_the_calls_add_up_to_the_line(tiered: Shop, meter: str, parts: str) -> None:
    line = lines(tiered)[meter]
    answer = tiered.ask("calls", line=line["line_id"])
    amounts = [row["line_amount"] for row in answer.rows if row["line_amount"]]
    assert amounts == [Decimal(part) for part in parts.split()]
    assert answer.totals == {"line_amount": line["amount_exact"], "currency": "USD"}
    assert f"{line['amount_exact']:f} USD, the line's exact amount" in answer.notes[0]


def test_what_no_call_causes_is_said(tiered: Shop) -> None:
    answer = tiered.ask("calls", line=lines(tiered)["base_fee"]["line_id"])
    assert list(answer.rows) == []
    assert answer.notes[0].startswith("no call causes this line: base fee")


def test_the_list_goes_on_where_it_was_cut_and_the_total_stays(tiered: Shop) -> None:
    line = lines(tiered)["output"]["line_id"]
    whole = tiered.ask("calls", line=line)
    first = tiered.ask("calls", line=line, limit="2")
    rest = tiered.ask("calls", line=line, cursor=str(first.details["cursor"]))
    assert [*first.rows, *rest.rows] == list(whole.rows)
    assert first.totals == rest.totals == whole.totals


def test_a_line_is_found_for_its_own_customer_only(tiered: Shop) -> None:
    line = lines(tiered)["input"]["line_id"]
    tiered.customer("b", plan="pro")
    assert len(tiered.ask("calls", line=line, customer="a").rows) == 4
    with pytest.raises(NotFoundError):
        tiered.ask("calls", line=line, customer="b")
    with pytest.raises(NotFoundError):
        tiered.ask("calls", line="ln_0000000000000000")


@settings(max_examples=6, deadline=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(1, 28), st.integers(0, 900), st.integers(0, 300)), min_size=1, max_size=8))
def test_every_line_is_the_sum_of_its_calls(open_shop: Callable[[], Shop], drawn: list[tuple[int, int, int]]) -> None:
    shop = open_shop()
    shop.price(TIERED)
    shop.customer("a", plan="pro")
    shop.send(
        *(
            shop.call(at(f"2026-11-{day:02}T10:00Z"), {"input": tokens_in, "output": tokens_out}, customer="a")
            for day, tokens_in, tokens_out in drawn
        )
    )
    for row in shop.ask("invoice", **NOVEMBER).rows:
        answer = shop.ask("calls", line=str(row["line_id"]), limit="99")
        summed = total(answer.rows, "line_amount")
        assert summed == (0 if row["kind"] == "base_fee" else row["amount_exact"])
        assert answer.totals == {"line_amount": summed, "currency": "USD"}


def test_of_a_closed_line_the_calls_as_known_now_are_listed_and_what_was_booked_is_said(tiered: Shop) -> None:
    tiered.rater.execute("period.close", {"period": "2026-11", "customer": "a"}, tenant=tiered.tenant, actor="test")
    line = lines(tiered)["page"]
    assert line["state"] == "closed"
    assert "the line's exact amount" in tiered.ask("calls", line=line["line_id"]).notes[0]
    tiered.send(tiered.unit("2026-11-09T10:00Z", "page", "1", customer="a"))
    late = tiered.ask("calls", line=line["line_id"])
    assert late.totals == {"line_amount": 8, "currency": "USD"}
    assert late.notes == [
        "2 calls and units add up to 8 USD as known now; booked are 6, and adjustments hold the difference"
    ]
    adjustment = next(row for row in tiered.ask("invoice", customer="a").rows if row["kind"] == "adjustment")
    assert tiered.ask("calls", line=str(adjustment["line_id"])).notes[0].startswith("no call causes this line")
