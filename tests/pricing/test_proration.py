"""A part of the time has that part of the amount, rounded once."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tollspan_rater.domain.money import minor_unit
from tollspan_rater.pricing.proration import by_time, last_digit

D = Decimal
CENT = D("0.01")


@pytest.mark.parametrize(
    ("parts", "whole", "unit", "expected"),
    [
        ([(D(99), 10)], 30, "0.01", "33"),
        ([(D("99.99"), 1)], 3, "0.01", "33.33"),
        ([(D("0.005"), 30)], 30, "0.01", "0.005"),  # the whole time is exact
        ([(D("0.005"), 10), (D("0.005"), 20)], 30, "0.01", "0.005"),
        ([(D(100), 1)], 3, "1", "33"),
        ([(D(100), 2)], 3, "1", "67"),
        ([(D("0.01"), 1)], 2, "0.01", "0.01"),  # half a unit goes up
        ([(D(30), 10), (D(60), 20)], 30, "0.01", "50"),
        ([(D("0.5"), 1)], 2, "0.1", "0.3"),
        ([], 30, "0.01", "0"),
    ],
)
def test_by_time(parts: list[tuple[Decimal, int]], whole: int, unit: str, expected: str) -> None:
    assert by_time(parts, whole, D(unit)) == D(expected)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["USD", "JPY", "KWD"]),
    st.integers(0, 10**9),
    st.lists(st.integers(1, 10**15), min_size=1, max_size=6),
)
def test_parts_of_a_plan_held_by_turns_add_up(currency: str, units: int, times: list[int]) -> None:
    fee, whole, unit = D(units) * minor_unit(currency), sum(times), minor_unit(currency)
    parts = [by_time([(fee, time)], whole, unit) for time in times]
    assert by_time([(fee, time) for time in times], whole, unit) == fee
    assert abs(sum(parts, D(0)) - fee) <= len(times) * unit / 2
    assert all(part % unit == 0 for part in parts)


@pytest.mark.parametrize(("value", "unit"), [("1000", "1"), ("0.25", "0.01"), ("1E+3", "1")])
def test_last_digit(value: str, unit: str) -> None:
    assert last_digit(D(value)) == D(unit)
