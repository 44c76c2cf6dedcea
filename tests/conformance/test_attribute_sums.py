"""What stands on spans: sums as others bill them, and the proof that a figure stands nowhere."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from conformance.attribute_sums import findable, numbers, sums
from conformance.spans import Received
from hypothesis import given, settings
from hypothesis import strategies as st


def span(**attributes: Any) -> Received:
    kinds = {int: "intValue", float: "doubleValue", str: "stringValue"}
    listed = [{"key": key, "value": {kinds[type(value)]: value}} for key, value in attributes.items()]
    return Received({"attributes": listed}, {}, {})


def test_each_span_adds_the_first_name_that_it_has() -> None:
    both = span(**{"gen_ai.usage.input_tokens": 10, "llm.token_count.prompt": 10, "gen_ai.usage.output_tokens": "4"})
    other = span(**{"llm.token_count.prompt": 7, "ai.usage.completionTokens": 2.0})
    assert sums([both, other]) == (17, 6)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (12, {12}),
        (3.0, {3}),
        (float("nan"), set()),
        ('{"usage": {"a": 5, "b": {"c": 77}}}', {5, 77}),
        ("{'prompt_tokens': 41, 'cost': 1.25}", {41}),
        ("gpt-4.1", set()),
        ("chatcmpl-12", set()),
        ("0", set()),
    ],
)
def test_numbers_are_those_of_values_not_of_names(value: Any, found: set[int]) -> None:
    assert numbers([span(key=value)]) == found


@settings(max_examples=200, deadline=None)
@given(st.frozensets(st.integers(1, 40), max_size=7), st.integers(1, 90))
def test_a_figure_is_findable_as_a_sum_of_up_to_three(there: frozenset[int], wanted: int) -> None:
    sums_there = {sum(chosen) for terms in (1, 2, 3) for chosen in combinations(sorted(there), terms)}
    if wanted in sums_there:
        assert findable(wanted, there)
    elif findable(wanted, there):  # the one number that may be taken twice
        assert any(wanted == 2 * one + other for one in there for other in {0, *there})
