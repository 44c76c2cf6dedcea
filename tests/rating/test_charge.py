"""Options beside a price model: converted and rounded units, and the fee at zero, at every edge."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.bills import group
from rating.events import offer, rated
from tollspan_rater.domain.money import exact_sum
from tollspan_rater.pricing.unit_rule import UnitRule
from tollspan_rater.rating.charge import charge_of, charge_steps
from tollspan_rater.rating.unit import priced_units

D = Decimal


@pytest.mark.parametrize(
    ("rule", "quantity", "units"),
    [
        ("{divide: 1000}", "1234", "1.234"),
        ("{divide: 1000, round: ceil}", "1234", "2"),
        ("{divide: 1000, round: ceil}", "2000", "2"),
        ("{divide: 1000, round: ceil}", "2000.000000000000000000001", "3"),
        ("{divide: 1000, round: floor}", "1999.9", "1"),
        ("{divide: 1000, round: half_up}", "1499.9", "1"),
        ("{divide: 1000, round: half_up}", "1500", "2"),
        ("{divide: 1000, round: half_up}", "-1500", "-2"),  # away from zero
        ("{divide: 1000, round: ceil}", "-1", "-1"),
        ("{divide: 3, round: half_up, digits: 4}", "1", "0.3333"),
        ("{divide: 3, round: ceil, digits: 4}", "1", "0.3334"),
        ("{multiply: 60, round: floor}", "1.99", "119"),
        ("{multiply: 0.001}", "1234", "1.234"),
        ("{round: ceil}", "100.5", "101"),
        ("{divide: 1000, round: ceil}", "1000000000000000001", "1000000000000001"),
    ],
)
def test_units_by_hand(rule: str, quantity: str, units: str) -> None:
    (line,) = rated(offer(f"  - {{image: {{price: 1, unit: {rule}}}}}"), [group({"image": quantity})]).lines
    assert line.amount_exact == D(units)
    assert line.unit_price is None
    assert (line.steps[0].quantity, line.steps[0].amount) == (D(units), 0)


def test_units_are_rounded_once_for_the_period_after_the_allowance() -> None:
    held = offer("  - {image: {price: 5, unit: {divide: 10, round: ceil}}}", plan="included: {image: 15}")
    (line,) = rated(held, [group({"image": 12}), group({"image": 12}), group({"image": 12})]).lines
    assert (line.included, line.billable, line.amount) == (15, 21, 15)
    assert [step.text for step in line.steps] == [
        "included in plan paid",
        "units to price: 21 / 10, rounded up",
        "each unit",
    ]


def test_a_tier_may_be_picked_by_the_rounded_total() -> None:
    tiers = "[{up_to: 100, price: 2}, {price: 1}]"
    for options, amount in (("", "201"), (", unit: {round: ceil}", "101")):
        held = offer(f"  - {{image: {{volume: {tiers}{options}}}}}")
        total = exact_sum(line.amount_exact for line in rated(held, [group({"image": "100.5"})]).lines)
        assert total == (D("100.5") if not options else D(amount))


ZERO_FLAT = [
    (
        "graduated: [{up_to: 10, price: 1, flat: 7}, {price: 2, flat: 3}]", 7,
        [("0", "0"), ("1", "1"), ("10", "10"), ("11", "15"), ("-1", "-1")],
    ),
    ("volume: [{up_to: 10, price: 1, flat: 7}, {price: 2, flat: 3}]", 7, [("0", "0"), ("1", "1"), ("11", "18")]),
    ("stairstep: [{up_to: 5, amount: 50}, {amount: 80}]", 50, [("0", "0"), ("5", "0"), ("6", "30"), ("-6", "-30")]),
    ("flat: 9", 9, [("0", "0"), ("100", "0")]),
]  # fmt: skip


@pytest.mark.parametrize(("model", "fee", "usage"), ZERO_FLAT)
def test_a_fee_at_zero_is_a_line_of_its_own(model: str, fee: int, usage: list[tuple[str, str]]) -> None:
    held = offer(f"  - {{image: {{{model}, zero_flat: yes}}}}")
    for quantity, amount in usage:
        flat, *rest = rated(held, [group({"image": quantity})]).lines
        assert (flat.kind, flat.amount, flat.calls) == ("flat_fee", fee, 0)
        assert exact_sum(line.amount_exact for line in rest) == D(amount)
        assert all(exact_sum(step.amount for step in line.steps) == line.amount_exact for line in rest)
    (only,) = rated(held).lines
    assert (only.kind, only.amount, only.price_version) == ("flat_fee", fee, held[0].version)


def test_without_the_option_zero_costs_nothing() -> None:
    for model, _, _ in ZERO_FLAT:
        assert rated(offer(f"  - {{image: {{{model}}}}}")).lines == ()


quantities = st.decimals(-(10**18), 10**18, places=3)
rules = st.builds(
    UnitRule,
    st.sampled_from([D(1), D(60), D("0.25")]),
    st.sampled_from([D(1), D(8), D(1000)]),
    st.sampled_from(["none", "ceil", "floor", "half_up"]),
    st.integers(0, 3),
)
items = st.sampled_from(ZERO_FLAT).map(lambda row: offer(f"  - {{image: {{{row[0]}, zero_flat: yes}}}}"))


@settings(max_examples=200, deadline=None)
@given(items, st.none() | rules, quantities)
def test_a_charge_is_odd_and_explains_itself(
    held: tuple[object, ...], rule: UnitRule | None, quantity: Decimal
) -> None:
    item = replace(held[0].cards[0].items[0], unit=rule)  # type: ignore[attr-defined]
    charge = charge_of(item, item.price)
    assert charge(quantity) == -charge(-quantity)
    assert exact_sum(step.amount for step in charge_steps(item, item.price, quantity)) == charge(quantity)


@settings(max_examples=200, deadline=None)
@given(rules, st.decimals(0, 10**18, places=3))
def test_rounding_moves_by_less_than_one_step(rule: UnitRule, quantity: Decimal) -> None:
    exact = quantity * rule.multiply / rule.divide
    step = D(1).scaleb(-rule.digits)
    off = priced_units(rule, quantity) - exact
    low, high = {"none": (D(0), D(0)), "ceil": (D(0), step), "floor": (-step, D(0)), "half_up": (-step / 2, step / 2)}[
        rule.round
    ]
    assert low <= off <= high
