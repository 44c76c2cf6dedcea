"""Fees, discounts, commitments and bounds: bills worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from rating.bills import NOVEMBER, bill, group
from tollspan_rater.domain.clock import to_ns
from tollspan_rater.pricing.assignment import AddonAssignment
from tollspan_rater.pricing.book import load
from tollspan_rater.pricing.period import Period
from tollspan_rater.pricing.timeline import Applied, Assignment, Segment, segments
from tollspan_rater.rating.line import RatedPeriod
from tollspan_rater.rating.rate import component_names, rate

D = Decimal
DAY = 86_400 * 10**9
CARD = "  - {input: 1, output: 2}\n  - {request: 0.5}"
USE = {"input": 100, "output": 50, "request": 20}  # 100 + 100 + 10


def day(number: int) -> int:
    """Midnight of a day of November 2026 in UTC."""
    return to_ns(datetime(2026, 11, number, tzinfo=UTC))


def amounts(rated: RatedPeriod) -> list[tuple[str, str]]:
    return [(line.kind, f"{line.amount:f}") for line in rated.lines if line.kind != "usage"]


@pytest.mark.parametrize(
    ("plan", "expected", "total"),
    [
        ("", [], "210.00"),
        ("base_fee: 49", [("base_fee", "49.00")], "259.00"),
        # 10 percent of 100 (input) and of the fee 50; 20 percent of all usage 210; percents do not compound
        (
            "base_fee: 50\ndiscounts: [{percent: 10, on: [input, base_fee]}, {percent: 20}]",
            [("base_fee", "50.00"), ("discount", "-15.00"), ("discount", "-42.00")],
            "203.00",
        ),
        ("discounts: [{percent: 100}]", [("discount", "-210.00")], "0.00"),
        ("discounts: [{percent: 10, on: 'card:list'}]", [("discount", "-21.00")], "189.00"),
        ("discounts: [{percent: 10, on: tokens}]", [("discount", "-20.00")], "190.00"),  # input and output are below
        ("base_fee: 5\ndiscounts: [{amount: 20}]", [("base_fee", "5.00"), ("discount", "-20.00")], "195.00"),
        # off what the percents left, and never below 0
        (
            "discounts: [{amount: 300}, {percent: 50}]",
            [("discount", "-105.00"), ("discount", "-105.00")],
            "0.00",
        ),
        (
            "discounts: [{amount: 30, on: request}, {amount: 30, on: [request, output]}]",
            [("discount", "-10.00"), ("discount", "-30.00")],
            "170.00",
        ),
        ("commitment: 210", [], "210.00"),
        ("commitment: 1000", [("commitment", "790.00")], "1000.00"),
        ("commitment: {amount: 1000, true_up: no}", [], "210.00"),
        ("commitment: {amount: 100, overage_factor: 1.25}", [("overage", "27.50")], "237.50"),
        ("commitment: {amount: 200, overage_factor: 0.5}", [("overage", "-5.00")], "205.00"),
        # usage after discounts: 210 - 10 % = 189, less 20 of which the fee takes 5: 174
        (
            "base_fee: 5\ndiscounts: [{percent: 10}, {amount: 20}]\ncommitment: 200",
            [("base_fee", "5.00"), ("discount", "-21.00"), ("discount", "-20.00"), ("commitment", "26.00")],
            "200.00",
        ),
        ("base_fee: 10\nmaximum: 200", [("base_fee", "10.00"), ("maximum", "-20.00")], "200.00"),
        ("base_fee: 10\nminimum: 300", [("base_fee", "10.00"), ("minimum", "80.00")], "300.00"),
        ("minimum: 210\nmaximum: 210", [], "210.00"),
        # all of them: 10 % of 210, 9 off, commitment to 500, maximum 400
        (
            "discounts: [{percent: 10}, {amount: 9}]\ncommitment: 500\nmaximum: 400\nminimum: 100",
            [("discount", "-21.00"), ("discount", "-9.00"), ("commitment", "320.00"), ("maximum", "-100.00")],
            "400.00",
        ),
    ],
)
def test_modifiers(plan: str, expected: list[tuple[str, str]], total: str) -> None:
    rated = bill(CARD, plan, group(USE, calls=20))
    assert amounts(rated) == expected
    assert f"{rated.total:f}" == total
    for line in rated.lines:
        assert sum((step.amount for step in line.steps), D(0)) == line.amount_exact
        assert line.quantity == line.included + line.billable


def test_the_order_of_modifiers_decides() -> None:
    """210, less half, less 20 is 85; 35 above the commitment, once more; cut to 100. Another order, another total."""
    plan = "discounts: [{amount: 20}, {percent: 50}]\ncommitment: {amount: 50, overage_factor: 2}\nmaximum: 100"
    expected = [("discount", "-105.00"), ("discount", "-20.00"), ("overage", "35.00"), ("maximum", "-20.00")]
    assert amounts(bill(CARD, plan, group(USE))) == expected


@pytest.mark.parametrize(
    ("rule", "lines", "total"),
    [
        ("", ["0.01", "0.01", "0.01"], "0.03"),
        ("rounding: {mode: down}", ["0.00", "0.00", "0.00"], "0.00"),
        ("rounding: {mode: half_even}", ["0.00", "0.00", "0.00"], "0.00"),
        ("rounding: {at: invoice}", ["0.01", "0.01", "0.01", "-0.01"], "0.02"),
        ("rounding: {at: invoice, mode: down}", ["0.00", "0.00", "0.00", "0.01"], "0.01"),
        ("rounding: {at: step}", ["0.01", "0.01", "0.01"], "0.03"),
    ],
)
def test_rounding_points(rule: str, lines: list[str], total: str) -> None:
    rated = bill(
        "  - {input: 0.005, output: 0.005, request: 0.005}", rule, group({"input": 1, "output": 1, "request": 1})
    )
    assert [f"{line.amount:f}" for line in rated.lines] == lines
    assert f"{rated.total:f}" == total
    assert rated.exact_totals[0].amount == D("0.015")


def test_steps_are_rounded_where_the_plan_says_so() -> None:
    card = "  - {input: {graduated: [{up_to: 1, price: 0.004}, {price: 0.004}]}}"
    for rule, amount in (("at: line", "0.01"), ("at: step", "0.00")):
        (line,) = bill(card, f"rounding: {{{rule}}}", group({"input": 2})).lines
        assert (line.amount_exact, line.amount) == (D("0.008"), D(amount))


def test_rounded_lines_do_not_break_a_maximum() -> None:
    card = "  - {input: 33.336, output: 33.336, request: 33.326}"
    rated = bill(card, "maximum: 100", group({"input": 1, "output": 1, "request": 1}))
    assert (rated.exact_totals[0].amount, rated.total) == (D("99.998"), D(100))
    assert [(line.kind, line.amount_exact, line.amount) for line in rated.lines][-1] == ("maximum", 0, D("-0.01"))


PLANS = """
card: list
currency: USD
prices: [{input: 1}]
---
card: extra
currency: USD
prices: [{web_search: 0.1}]
---
plan: small
currency: USD
cards: [list]
base_fee: 30
minimum: 60
commitment: 90
discounts: [{amount: 3, name: Credit}]
included: {input: {quantity: 100, prorate: yes}}
trial: {days: 10}
---
plan: big
currency: USD
cards: [list]
base_fee: {amount: 300, prorate: no}
maximum: {amount: 450, prorate: yes}
---
addon: seats
currency: USD
fee: 20
included: {input: 50}
cards: [extra]
---
addon: support
currency: USD
fee: {amount: 9, prorate: no}
included: {input: {quantity: 30, prorate: yes}}
"""


def parts(
    assignments: list[Assignment], addons: list[AddonAssignment], within: Period = NOVEMBER
) -> tuple[Segment, ...]:
    return segments(within, [Applied(load({"p.yaml": PLANS}), 0, 1)], assignments, 1, addons=addons)


def lines(found: tuple[Segment, ...], **used: int) -> list[tuple[str, str, str]]:
    rated = rate(NOVEMBER, found, [group(used, segment=len(found) - 1)] if used else [])
    assert {line.component for line in rated.lines} <= component_names(NOVEMBER, found)
    return [(line.plan, line.kind, f"{line.amount:f}") for line in rated.lines]


def test_a_plan_for_half_a_month() -> None:
    """Taken long ago and ended on the 16th: 15 of 30 days of fee, discount, commitment, minimum and allowance."""
    found = parts([Assignment("small", day(1) - 40 * DAY), Assignment(None, day(16))], [])
    assert lines(found) == [
        ("small", "base_fee", "15.00"),
        ("small", "discount", "-1.50"),
        ("small", "commitment", "45.00"),  # the fee took the discount; 58.50 is more than the minimum of 30
    ]
    assert [one.quantity for one in found[0].included] == [50]


def test_a_trial() -> None:
    """Taken on the 6th, ten days of trial: 15 days are paid; usage in the trial has its phase."""
    found = parts([Assignment("small", day(6))], [])
    assert [(one.start_ns, one.phase) for one in found] == [(day(1), None), (day(6), "trial"), (day(16), None)]
    assert lines(found) == [
        ("small", "base_fee", "15.00"),
        ("small", "discount", "-1.50"),
        ("small", "commitment", "45.00"),
    ]


def test_a_trial_up_to_the_end_costs_nothing() -> None:
    assert lines(parts([Assignment("small", day(23))], [])) == []


def test_a_change_in_the_middle() -> None:
    """Each plan has its own modifiers, over its own lines."""
    found = parts([Assignment("small", 0), Assignment("big", day(16))], [])
    assert lines(found, input=400) == [
        ("big", "base_fee", "300.00"),
        ("small", "base_fee", "15.00"),
        ("big", "usage", "400.00"),
        ("big", "maximum", "-475.00"),  # 700 against half of 450
        ("small", "discount", "-1.50"),
        ("small", "commitment", "45.00"),
    ]


def test_addons() -> None:
    """2 seats for 10 days, 3 for 20: (40 x 10 + 60 x 20) / 30; support from the 16th, in full, with half its units."""
    held = [
        AddonAssignment("seats", D(2), 0),
        AddonAssignment("seats", D(3), day(11)),
        AddonAssignment("support", D(1), day(16)),
        AddonAssignment("gone", D(1), day(16)),
    ]
    found = parts([Assignment("big", 0)], held)
    assert [{one.addon.name: one.quantity for one in part.addons} for part in found] == [
        {"seats": 2},
        {"seats": 3},
        {"seats": 3, "support": 1},
    ]
    assert {(one.meter, one.quantity) for part in found for one in part.included} == {("input", 165)}
    assert found[-1].notes == ("add-on gone is held, but the price book has none of this name",)
    rated = rate(NOVEMBER, found, [group({"input": 100, "web_search": 30}, segment=0)])
    fees = {line.description: line for line in rated.lines if line.kind == "addon"}
    assert {name: line.amount for name, line in fees.items()} == {"add-on seats": D("53.33"), "add-on support": D(9)}
    assert [step.amount for step in fees["add-on seats"].steps] == [D("13.33"), D(40)]
    assert [line.amount for line in rated.lines if line.meter == "web_search"] == [3]  # the add-on's card


def test_a_percent_is_on_usage_and_an_amount_on_every_line() -> None:
    text = PLANS.replace("maximum: {amount: 450, prorate: yes}", "discounts: [{percent: 50}, {amount: 400}]")
    applied = [Applied(load({"p.yaml": text}), 0, 1)]
    found = segments(NOVEMBER, applied, [Assignment("big", 0)], 1, addons=[AddonAssignment("support", D(1), 0)])
    assert lines(found, input=130) == [
        ("big", "base_fee", "300.00"),
        ("big", "addon", "9.00"),
        ("big", "usage", "100.00"),  # 30 are the add-on's
        ("big", "discount", "-50.00"),
        ("big", "discount", "-359.00"),
    ]


@pytest.mark.parametrize(("currency", "part"), [("USD", "16.67"), ("JPY", "17"), ("KWD", "16.667")])
def test_proration_ends_at_the_currencys_minor_unit(currency: str, part: str) -> None:
    text = f"card: c\ncurrency: {currency}\nprices: []\n---\nplan: p\ncurrency: {currency}\ncards: c\nbase_fee: 50\n"
    applied = [Applied(load({"p.yaml": text}), 0, 1)]
    rated = rate(NOVEMBER, segments(NOVEMBER, applied, [Assignment("p", day(21))], 1), [])
    assert [f"{line.amount:f}" for line in rated.lines] == [part]
