"""Bills of the price models that need more than a quantity: conversions, provider cost, facts, steps."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from rating.bills import NOVEMBER, Number, group
from rating.events import charged, event, fact_group, offer, rated, values
from tollspan_rater.domain.money import exact_sum
from tollspan_rater.pricing.policy import BILLABLE
from tollspan_rater.rating.line import RatedPeriod, UsageGroup
from tollspan_rater.rating.marginal import Marginal
from tollspan_rater.rating.tariff import Tariff

D = Decimal

CREDITS = """
  - {credits: {price: 0.01}}
  - {model: gpt-4.1*, convert: {to: credits, per: 1K, input: 1, output: 4}}
  - {model: gpt-4.1-mini*, convert: {to: credits, per: 1K, input: 0.25, cache_read: 0.05, output: 1}}
  - {convert: {to: credits, web_search: 10}}
"""


def lines(bill: RatedPeriod) -> list[tuple[str, Decimal, Decimal, Decimal]]:
    return [(line.meter, line.quantity, line.included, line.amount_exact) for line in bill.lines]


def test_credits_for_the_units_of_each_model() -> None:
    """gpt-4.1, 10,000 in and 1,000 out: 14; mini, 8,000 in (4,000 cached), 2,000 out: 1 + 0.2 + 2; a search: 10."""
    usage = [
        group({"input": 10_000, "output": 1_000, "web_search": 1}),
        group({"input": 8_000, "cache_read": 4_000, "output": 2_000}, model="gpt-4.1-mini"),
    ]
    bill = rated(offer(CREDITS, "{credits: {}}"), usage)
    assert lines(bill) == [("credits", D("27.2"), 0, D("0.272"))]
    (line,) = bill.lines
    assert [str(step) for step in line.steps] == [
        "4,000 cache_read x 0.00005: 0.2",
        "4,000 input x 0.00025: 1",
        "10,000 input x 0.001: 10",
        "2,000 output x 0.001: 2",
        "1,000 output x 0.004: 4",
        "1 web_search x 10: 10",
        "each unit: 27.2 x 0.01 = 0.272",
    ]
    assert line.contains == (("cache_read", 4_000), ("input", 14_000), ("output", 3_000), ("web_search", 1))
    assert {(share.meter, share.quantity) for share in bill.on_invoice} == set(line.contains)
    assert bill.unpriced == ()


@pytest.mark.parametrize(
    ("tokens", "included", "total"),
    [(0, 0, 0), (9_999_000, 9_999, 0), (10_000_000, 10_000, 0), (10_001_000, 10_000, "0.01"), (12_000_000, 10_000, 20)],
)
def test_an_allowance_of_credits_covers_converted_units(tokens: int, included: int, total: Number) -> None:
    bill = rated(offer(CREDITS, "{credits: {}}", "included: {credits: 10_000}"), [group({"input": tokens})])
    assert bill.total == D(total)
    assert exact_sum(line.included for line in bill.lines) == included
    assert [(use.limit, use.used) for use in bill.allowances] == [(10_000, tokens // 1000)]


def test_units_of_the_target_meter_itself_count_as_well() -> None:
    bill = rated(offer(CREDITS, "{credits: {}}"), [group({"input": 1_000}), group({"credits": 5}, model=None)])
    assert lines(bill) == [("credits", 6, 0, D("0.06"))]


def test_weighted_tokens_are_a_conversion() -> None:
    """One meter of input + 4 output, in tiers."""
    prices = """
  - {convert: {to: weighted, input: 1, output: 4}}
  - {weighted: {graduated: [{up_to: 100, price: 2}, {price: 1}]}}
"""
    bill = rated(offer(prices, "[weighted]"), [group({"input": 60, "output": 20})])
    assert lines(bill) == [("weighted", 140, 0, 240)]


def test_a_price_and_a_conversion_of_one_meter_rank_alike() -> None:
    prices = CREDITS + "  - {model: gpt-4.1-nano, input: 3}\n"
    bill = rated(offer(prices, "{credits: {}}"), [group({"input": 1_000, "output": 1_000}, model="gpt-4.1-nano")])
    assert lines(bill) == [("credits", 4, 0, D("0.04")), ("input", 1_000, 0, 3_000)]


def test_what_is_converted_to_a_meter_without_a_fitting_price_is_unpriced() -> None:
    prices = "  - {convert: {to: credits, input: 1}}\n  - {provider: azure, credits: 1}\n"
    bill = rated(offer(prices, "[credits]"), [group({"input": 7})])
    assert [(share.reason, share.meter, share.quantity) for share in bill.unpriced] == [("no price", "input", 7)]


COST_PLUS = "  - {model: claude*, tokens: {cost_plus: {markup: 20, margin: 0.10, per: 1M}}}\n"


def costly(quantities: dict[str, Number], costs: dict[str, str] | None, model: str = "claude-4") -> UsageGroup:
    exact = None if costs is None else {meter: D(cost) for meter, cost in costs.items()}
    return replace(group(quantities, model=model), costs=exact)


def test_cost_plus_follows_what_the_provider_charges() -> None:
    """3 of input and 15 of output, by 1.2, and 0.10 for each million of the two."""
    usage = costly({"input": 1_000_000, "output": 1_000_000}, {"input": "3", "output": "15"})
    (line,) = rated(offer(COST_PLUS), [usage]).lines
    assert (line.amount_exact, line.quantity, line.unit_price) == (D("21.80"), 2_000_000, None)
    assert [(step.text, step.quantity, step.unit_price, step.amount) for step in line.steps] == [
        ("provider cost x 1.2", 18, D("1.2"), D("21.6")),
        ("margin of each unit", 2_000_000, D("0.0000001"), D("0.2")),
    ]


def test_usage_whose_cost_nobody_knows_is_unpriced_and_never_free() -> None:
    held = offer(COST_PLUS)
    assert Tariff(held).wants_cost
    bill = rated(held, [costly({"input": 10, "output": 5}, {"input": "3"}), costly({"input": 7}, None)])
    assert lines(bill) == [("tokens", 10, 0, D("3.600001"))]
    assert [(share.reason, share.meter, share.quantity) for share in bill.unpriced] == [
        ("cost unknown", "input", 7),
        ("cost unknown", "output", 5),
    ]


def test_an_allowance_takes_its_part_of_the_cost() -> None:
    """A third of the tokens is included, and a third of the cost with them, rounded to 12 decimals."""
    prices = "  - {tokens: {cost_plus: {}}}"
    held = offer(prices, plan="included: {tokens: 1}")
    (line,) = rated(held, [costly({"input": 3}, {"input": "1"})]).lines
    assert (line.included, line.amount_exact) == (1, D("0.666666666667"))
    marginal = Marginal(held)
    amounts = [
        marginal.charge(NOVEMBER.start_ns, None, None, {"input": D(1)}, BILLABLE, costs={"input": D(cost)}).amount
        for cost in ("0.2", "0.3", "0.5")
    ]
    assert amounts == [0, D("0.25"), D("0.416666666667")]
    assert exact_sum(amount or D(0) for amount in amounts) == line.amount_exact


FACTS = """
  - {model: gpt*, input: 1}
  - {model: gpt*, match: {feature: chat}, input: 2}
  - {model: gpt*, match: {environment: production, feature: chat}, input: 3}
  - {match: {service_tier: batch}, priority: 1, tokens: 0.5}
"""


def test_usage_is_priced_by_its_facts() -> None:
    held = offer(FACTS)
    tariff = Tariff(held)
    assert tariff.dimensions == ("environment", "feature", "service_tier")
    rows = [
        ((None, None, None), 1),
        ((None, "chat", None), 3),
        (("production", "chat", "default"), 3),
        (("test", "chat", None), 2),
        (("test", "chat", "batch"), 2),
    ]
    for values_, price in rows:
        facts = tuple(zip(tariff.dimensions, values_, strict=True))
        bill = rated(held, [fact_group({"input": 10}, facts)])
        assert bill.total == price * 10
        charge = Marginal(held).charge(NOVEMBER.start_ns, "openai", "gpt-4.1", {"input": D(10)}, BILLABLE, facts=facts)
        assert charge.amount == price * 10


def test_a_higher_priority_of_a_parent_does_not_reach_below_a_price_of_the_meter() -> None:
    """The meter's own prices go first; priority orders prices of one meter."""
    facts = (("environment", None), ("feature", None), ("service_tier", "batch"))
    bill = rated(offer(FACTS), [fact_group({"input": 10, "output": 4}, facts)])
    assert lines(bill) == [("input", 10, 0, 10), ("tokens", 4, 0, 2)]


def test_steps_of_every_model_recompute_their_line() -> None:
    prices = """
  - {image: {stairstep: [{up_to: 5, amount: 50}, {up_to: 20, amount: 150}, {amount: 400}]}}
  - {tool_call: {package: {size: 10, price: 2, free: 5, round: down}}}
  - {agent_run: {flat: 7}}
  - {volume: {percentage: {rate: 2.9, free_amount: 100}}}
"""
    usage = group({"image": 6, "tool_call": 44, "agent_run": 3, "volume": 1100})
    bill = rated(offer(prices, "[volume]"), [usage])
    assert lines(bill) == [
        ("image", 6, 0, 150),
        ("tool_call", 44, 0, 6),
        ("agent_run", 3, 0, 7),
        ("volume", 1100, 0, 29),
    ]
    for line in bill.lines:
        assert exact_sum(step.amount for step in line.steps) == line.amount_exact
        assert all(step.unit_price is None or step.quantity * step.unit_price == step.amount for step in line.steps)


def test_pools_in_their_order_over_one_component() -> None:
    """100 included tokens, then 30 free units of output, then the price."""
    plan = "included: {tokens: 100}\ndiscounts: [{units: 30, on: [output], name: Launch}]"
    held = offer("  - {input: 1, output: 2}", plan=plan)
    bill = rated(held, [group({"input": 80, "output": 60})])
    assert lines(bill)[:2] == [("input", 80, 80, 0), ("output", 60, 50, 20)]
    assert [(step.text, step.quantity) for step in bill.lines[1].steps] == [
        ("included in plan paid", 20),
        ("free by Launch", 30),
        ("each unit", 10),
    ]
    marginal = Marginal(held)
    calls = [{"output": D(60)}, {"input": D(50)}, {"input": D(30)}]
    amounts = [marginal.charge(NOVEMBER.start_ns, None, None, call, BILLABLE).amount for call in calls]
    assert amounts == [0, 0, 20]  # the third takes 20 of the allowance from the output


def test_a_period_with_two_meanings_of_a_meter_keeps_them_apart() -> None:
    (old,), (new,) = offer("  - {seats: 5}", "{seats: {aggregate: max}}"), offer("  - {seats: 5}", "{seats: {}}")
    middle = NOVEMBER.start_ns + 1_000
    held = (replace(old, end_ns=middle), replace(new, start_ns=middle))
    events = [
        event(1, "seats", 3),
        event(2, "seats", 2),
        *[replace(event(at, "seats", 2), segment=1) for at in (2000, 2001)],
    ]
    assert Tariff(held).sampled == {"seats"}
    assert lines(rated(held, samples=events)) == [("seats", 3, 0, 15), ("seats", 4, 0, 20)]
    assert charged(held, events) == [15, 0, 10, 10]


def test_a_correction_is_a_credit_in_every_model() -> None:
    prices = (
        "  - {image: {stairstep: [{up_to: 5, amount: 50}, {amount: 400}]}, tool_call: {package: {size: 10, price: 2}}}"
    )
    bill = rated(offer(prices), [group({"image": -6, "tool_call": -11})])
    assert lines(bill) == [("image", -6, 0, -400), ("tool_call", -11, 0, -4)]
    assert rated(offer("  - {seen: 1}", "{seen: {aggregate: latest}}"), samples=values("seen", 5, -2)).total == -2
