"""Shared amounts are divided without a rest, by each rule."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan_rater.rating.allocation import AllocationRule, parts_of, read_weights

AMOUNT = st.decimals(-1_000_000, 1_000_000, places=6)
OWN = st.dictionaries(st.sampled_from("abcdef"), AMOUNT, max_size=6)
RULES: list[AllocationRule] = ["equal", "usage"]


@pytest.mark.parametrize(
    ("rule", "own", "weights", "parts"),
    [
        ("equal", {"a": "1", "b": "9"}, {}, {"a": "3", "b": "3"}),
        ("usage", {"a": "1", "b": "2"}, {}, {"a": "2", "b": "4"}),
        ("usage", {"a": "0", "b": "0"}, {}, {"a": "3", "b": "3"}),
        ("usage", {"a": "-5", "b": "2"}, {}, {"a": "0", "b": "6"}),
        ("weights", {"a": "1"}, {"b": "1", "c": "2"}, {"b": "2", "c": "4"}),
        ("equal", {}, {}, {}),
    ],
    ids=["equal", "usage", "nobody used anything", "who has a credit", "weights", "nobody"],
)
def test_six_are_divided(
    rule: AllocationRule, own: dict[str, str], weights: dict[str, str], parts: dict[str, str]
) -> None:
    found = parts_of(
        Decimal(6), {n: Decimal(v) for n, v in own.items()}, rule, {n: Decimal(v) for n, v in weights.items()}
    )
    assert found == {name: Decimal(value) for name, value in parts.items()}


@given(AMOUNT, OWN, st.sampled_from(RULES))
def test_nothing_is_lost_and_each_part_is_right_to_the_last_digit(
    shared: Decimal, own: dict[str, Decimal], rule: AllocationRule
) -> None:
    parts = parts_of(shared, own, rule, {})
    assert parts.keys() == own.keys()
    if own:
        assert sum(map(Fraction, parts.values())) == Fraction(shared)
        used = {name: max(Fraction(amount), Fraction(0)) for name, amount in own.items()}
        fair = used if rule == "usage" and any(used.values()) else dict.fromkeys(own, Fraction(1))
        for name, part in parts.items():
            wanted = Fraction(shared) * fair[name] / sum(fair.values())
            assert abs(Fraction(part) - wanted) < Fraction(1, 10**12)


def test_weights_are_read() -> None:
    assert read_weights(["research=3", "a=b=1.5"]) == {"research": Decimal(3), "a=b": Decimal("1.5")}


@pytest.mark.parametrize("text", ["research", "research=", "=3", "a=-1", "a=0", "a=0.0", "a=1e3", "a=."])
def test_a_weight_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no weight of its own"):
        read_weights([text])
    with pytest.raises(ValueError, match="'b=2' is no weight of its own"):
        read_weights(["b=1", "b=2"])
