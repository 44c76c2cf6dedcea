"""What stands on spans: sums as others bill them, and the proof that a figure stands nowhere."""

from __future__ import annotations

from typing import Any

import pytest
from conformance.attribute_sums import numbers, sums
from conformance.spans import Received


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
