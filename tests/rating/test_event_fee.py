"""Percentages of single events: fixed fees, free events and amounts, minimum and maximum, worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.bills import group
from rating.events import charged, event, offer, rated, values
from tollspan_rater.domain.money import exact_sum
from tollspan_rater.pricing.model import Percentage
from tollspan_rater.rating.event_fee import EventFees

D = Decimal
METERS = "{volume: {}}"


def price(options: str) -> str:
    return f"  - {{volume: {{percentage: {{{options}}}}}}}"


@pytest.mark.parametrize(
    ("options", "events", "fees"),
    [
        ("rate: 2.9, fixed: 0.30", ["100", "50"], ["3.20", "1.75"]),
        ("rate: 2.9, fixed: 0.30", ["0"], ["0.30"]),  # an event is an event
        ("rate: 2.9", ["100", "50"], ["2.90", "1.45"]),
        ("rate: 1, free_amount: 120", ["100", "50", "10"], ["0", "0.30", "0.10"]),
        ("rate: 1, fixed: 1, free_amount: 120", ["100", "50", "10"], ["0", "1.30", "1.10"]),
        ("rate: 1, fixed: 1, free_amount: 120", ["100", "20", "1"], ["0", "0", "1.01"]),  # the bound is inside
        ("rate: 1, fixed: 1, free_events: 2", ["100", "50", "10"], ["0", "0", "1.10"]),
        ("rate: 1, fixed: 1, free_events: 2, free_amount: 120", ["100", "50", "10"], ["0", "1.30", "1.10"]),
        ("rate: 1, fixed: 1, free_events: 1, free_amount: 500", ["100", "50"], ["0", "1.50"]),
        ("rate: 2, min: 0.5, max: 3", ["10", "100", "1000"], ["0.5", "2", "3"]),
        ("rate: 2, fixed: 1, min: 1.5, max: 3", ["10", "50", "1000"], ["1.5", "2", "3"]),  # the fixed fee is inside
        ("rate: 2, min: 0.5, free_events: 1", ["10", "10"], ["0", "0.5"]),  # a wholly free event has no minimum
        ("rate: 2, min: 0.5, free_amount: 15", ["10", "10"], ["0", "0.5"]),  # 5 x 2 % = 0.10, raised
        ("rate: 2, fixed: 1", ["50", "-50"], ["2", "-2"]),  # a correction takes all of it back
        ("rate: 2, fixed: 1, free_events: 1", ["50", "-50", "50", "50"], ["0", "0", "0", "2"]),
        ("rate: 2, min: 5", ["-50"], ["-5"]),
    ],
)
def test_fees_by_hand(options: str, events: list[str], fees: list[str]) -> None:
    held = offer(price(options), METERS)
    samples = values("volume", *events)
    total = exact_sum(D(fee) for fee in fees)
    if "fixed" in options or "min" in options or "free_events" in options:
        lines = rated(held, samples=samples[::-1]).lines
        assert exact_sum(line.amount_exact for line in lines) == total
        assert charged(held, samples) == [D(fee) for fee in fees]
    else:
        groups = [group({"volume": value}) for value in events]
        assert rated(held, groups).lines[0].amount_exact == total


def test_a_line_says_how_its_amount_came_about() -> None:
    held = offer(price("rate: 2, fixed: 0.30, free_events: 1, min: 1, max: 5"), METERS)
    (line,) = rated(held, samples=values("volume", 40, 10, 100, 1000)).lines
    assert [(step.text, step.quantity, step.unit_price, step.amount) for step in line.steps] == [
        ("free amounts of events", 40, 0, 0),
        ("2 % of the amounts", 1110, D("0.02"), D("22.20")),
        ("fixed fee of each event", 3, D("0.3"), D("0.9")),
        ("raised to the minimum of 1", 1, None, D("0.5")),
        ("lowered to the maximum of 5", 1, None, D("-15.3")),
    ]
    assert (line.quantity, line.amount_exact, line.calls) == (1150, D("8.3"), 4)


def test_clamps_that_even_out_in_number_but_not_in_amount_are_still_shown() -> None:
    """4 is raised by 0.92, and -2 takes back 0.96: no event is raised on balance, by 0.04 less than nothing."""
    held = offer(price("rate: 2, min: 1"), METERS)
    (line,) = rated(held, samples=values("volume", 4, -2)).lines
    assert [(step.text, step.quantity, step.amount) for step in line.steps] == [
        ("2 % of the amounts", 2, D("0.04")),
        ("raised to the minimum of 1", 0, D("-0.04")),
    ]
    assert (line.quantity, line.amount_exact) == (2, 0)


def test_what_looks_at_single_events_refuses_sums() -> None:
    held = offer(price("rate: 2, fixed: 0.30"), METERS)
    with pytest.raises(ValueError, match="give the usage of volume as samples"):
        rated(held, [group({"volume": 10})])


def test_an_amount_that_nets_to_nothing_still_has_its_line() -> None:
    held = offer(price("rate: 2, fixed: 1"), METERS)
    (line,) = rated(held, samples=values("volume", 0, 0)).lines
    assert (line.quantity, line.amount) == (0, 2)


prices = st.builds(
    Percentage,
    st.decimals(0, 1, places=3),
    st.sampled_from([D(0), D("0.3")]),
    st.integers(0, 3),
    st.sampled_from([D(0), D(40)]),
    st.sampled_from([None, D(1)]),
    st.sampled_from([None, D(2), D(5)]),
)
amounts = st.lists(st.decimals(0, 60, places=1), max_size=12)


def naive(model: Percentage, events: list[Decimal]) -> Fraction:
    total, seen = Fraction(0), Fraction(0)
    free = bool(model.free_events or model.free_amount)
    for number, value in enumerate(map(Fraction, events), 1):
        inside = free and (not model.free_events or number <= model.free_events)
        left = max(Fraction(model.free_amount) - seen, Fraction(0)) if model.free_amount else value
        rest = value - min(value, left) if inside else value
        wholly = inside and (not model.free_amount or seen + value <= Fraction(model.free_amount))
        seen += value
        if not wholly:
            fee = rest * Fraction(model.rate) + Fraction(model.fixed)
            fee = fee if model.minimum is None else max(fee, Fraction(model.minimum))
            total += fee if model.maximum is None else min(fee, Fraction(model.maximum))
    return total


@settings(max_examples=150, deadline=None)
@given(prices, amounts)
def test_fees_are_those_of_a_plain_loop(model: Percentage, events: list[Decimal]) -> None:
    fees = EventFees(model)
    for value in events:
        fees.take(value)
    assert Fraction(fees.amount) == naive(model, events)
    assert exact_sum(step.amount for step in fees.steps()) == fees.amount


@settings(max_examples=100, deadline=None)
@given(prices, amounts, st.lists(st.decimals("0.1", 60, places=1), max_size=12))
def test_taking_events_back_one_by_one_leaves_what_was_before(
    model: Percentage, kept: list[Decimal], undone: list[Decimal]
) -> None:
    fees = EventFees(model)
    for value in kept:
        fees.take(value)
    before = fees.amount
    for value in (*undone, *(-value for value in reversed(undone))):
        fees.take(value)
    assert fees.amount == before


def test_the_order_of_events_is_their_time() -> None:
    held = offer(price("rate: 1, fixed: 1, free_events: 1"), METERS)
    early, late = event(1, "volume", 100), event(2, "volume", 10)
    assert rated(held, samples=[late, early]).total == rated(held, samples=[early, late]).total == D("1.10")
