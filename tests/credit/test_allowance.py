"""What is left of an allowance."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tollspan_rater.credit.allowance import left_of
from tollspan_rater.pricing.period import period

NOVEMBER = period("2026-11", "UTC")


@pytest.mark.parametrize(
    ("used", "remaining", "over", "inside"),
    [
        (0, 50_000, 0, True),
        (12 * 3_940, 2_720, 0, True),
        (13 * 3_940, 0, 1_220, False),
        (50_000, 0, 0, True),
        (50_001, 0, 1, False),
        (-10, 50_010, 0, True),
    ],
)
def test_a_free_plan_of_50_000_tokens(used: int, remaining: int, over: int, inside: bool) -> None:
    left = left_of("free", "tokens", Decimal(50_000), Decimal(used), NOVEMBER)
    assert (left.remaining, left.over, left.inside) == (remaining, over, inside)
    assert left.resets_at_ns == period("2026-12", "UTC").start_ns
