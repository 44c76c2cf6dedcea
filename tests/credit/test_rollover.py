"""What rolls over: the oldest units are used first, and none is used twice."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tollspan_rater.credit.rollover import Lot, rolled, units_of
from tollspan_rater.pricing.allowance import Rollover

D = Decimal


def walk(own: int, used: list[int], rule: Rollover) -> list[int]:
    """What is carried into each period after the first."""
    lots: tuple[Lot, ...] = ()
    carried = []
    for each in used:
        lots = rolled(lots, D(own), D(each), rule)
        carried.append(int(units_of(lots)))
    return carried


@pytest.mark.parametrize(
    ("used", "rule", "carried"),
    [
        # 4 left of 10; the next period uses 8 of the 14: the 4 first, 4 of its own, and leaves 6
        ([6, 8, 0, 0], Rollover(1), [4, 6, 10, 10]),
        ([6, 0, 0, 25], Rollover(2), [4, 14, 20, 5]),
        ([0, 0, 0, 0], Rollover(3), [10, 20, 30, 30]),
        ([0, 0, 0, 0], Rollover(3, D(15)), [10, 15, 15, 15]),
        ([0, 12, 3], Rollover(1, D(5)), [5, 3, 5]),  # 15 there, 3 left; 13 there, 10 left
        ([99, -5, 10], Rollover(1), [0, 10, 10]),
        ([10, 20], Rollover(1, D(0)), [0, 0]),
    ],
)
def test_walks(used: list[int], rule: Rollover, carried: list[int]) -> None:
    assert walk(10, used, rule) == carried


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=12),
    st.integers(1, 4),
    st.none() | st.integers(0, 30),
)
def test_no_unit_is_used_twice_or_too_late(used: list[int], periods: int, most: int | None) -> None:
    rule = Rollover(periods, None if most is None else D(most))
    carried = walk(10, used, rule)
    before = 0
    for each, after in zip(used, carried, strict=True):
        assert 0 <= after <= max(10 + before - each, 0)
        assert after <= min(10 * periods, before + 10 if most is None else most)
        assert after or most == 0 or each >= 10  # own units are used last
        before = after
    assert walk(10, [0, *used], rule)[-1] >= carried[-1]
