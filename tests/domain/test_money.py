"""Money is exact and splits without loss."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tollspan_rater.domain.money import Money, allocate


@given(st.integers(-(10**9), 10**9), st.lists(st.integers(0, 1000).map(Decimal), min_size=1, max_size=20))
def test_parts_of_a_split_add_up_to_the_whole(cents: int, weights: list[Decimal]) -> None:
    total = Decimal(cents) / 100
    parts = allocate(total, weights, Decimal("0.01"))
    assert sum(parts) == total
    assert len(parts) == len(weights)


def test_rounding_is_half_away_from_zero_at_the_minor_unit() -> None:
    assert Money(Decimal("0.005"), "USD").rounded().amount == Decimal("0.01")
    assert Money(Decimal("-0.005"), "USD").rounded().amount == Decimal("-0.01")
    assert Money(Decimal("0.5"), "JPY").rounded().amount == Decimal(1)
