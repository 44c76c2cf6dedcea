"""A figure is there as a number, or as a sum of up to three."""

from __future__ import annotations

from itertools import combinations, combinations_with_replacement

import pytest
from conformance.sum_search import findable, findable_by_repeating
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("figure", "numbers", "is_findable", "by_repeating"),
    [
        (1040, {1000, 600, 40}, True, True),
        (1040, {1000, 600, 50}, False, False),
        (1000, {100, 600, 300}, True, True),
        (100, {50, 1000}, False, True),
        (600, {200}, False, True),
        (10, {1, 2, 3, 4}, False, True),
        (10, set(), False, False),
    ],
)
def test_a_figure_is_findable(figure: int, numbers: set[int], is_findable: bool, by_repeating: bool) -> None:
    assert findable(figure, numbers) is is_findable
    assert findable_by_repeating(figure, numbers) is by_repeating


@settings(max_examples=200, deadline=None)
@given(st.frozensets(st.integers(1, 40), max_size=7), st.integers(1, 120))
def test_it_is_what_trying_all_sums_finds(there: frozenset[int], wanted: int) -> None:
    for search, choices in ((findable, combinations), (findable_by_repeating, combinations_with_replacement)):
        assert search(wanted, there) is any(sum(c) == wanted for terms in (1, 2, 3) for c in choices(there, terms))
