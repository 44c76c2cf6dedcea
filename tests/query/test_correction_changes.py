"""What may be set, in which words, and what is refused with which sentence."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.store.calls import a_call
from tollspan_rater.domain.usage import Usage
from tollspan_rater.errors import UsageError
from tollspan_rater.query.correction_changes import after_amendment, after_attribution, amendment, attribution


@pytest.mark.parametrize(
    ("said", "changes"),
    [
        ({"model": "gpt-5"}, {"model": "gpt-5"}),
        ({"provider": " "}, {"provider": None}),
        ({"input": 7, "output": "8"}, {"meter.input": "7", "meter.output": "8"}),
        ({"web_search": "2.50"}, {"meter.web_search": "2.5"}),
        ({"gpu.second": "0.000000000001"}, {"meter.gpu.second": "0.000000000001"}),
        ({"cache_read": ""}, {"meter.cache_read": None}),
        ({"outcome": "failed"}, {"outcome": "failed"}),
        ({"started_at": "2026-11-01T12:00:00Z"}, {"started_ns": "1793534400000000000"}),
        ({"started_at": "2026-11-01"}, {"started_ns": "1793487600000000000"}),
    ],
)
def test_an_amendment(said: dict[str, Any], changes: dict[str, Any]) -> None:
    assert amendment(said, "Europe/Berlin") == changes


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"outcome": "broken"}, "outcome cannot be 'broken'; known are: complete"),
        ({"outcome": ""}, "outcome cannot be unknown"),
        ({"started_at": "yesterday"}, "is no time"),
        ({"started_at": "1969-01-01T00:00:00Z"}, "is not after 1970"),
        ({"input": "-1"}, "input = '-1' is not a whole number"),
        ({"input": "1.5"}, "is not a whole number"),
        ({"input": True}, "is not a whole number"),
        ({"web_search": "NaN"}, "is not a decimal from 0"),
        ({"no such thing": "1"}, "cannot be amended"),
        ({"request": "2"}, "cannot be amended"),
    ],
)
def test_an_amendment_that_cannot_be(said: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        amendment(said, "UTC")


@pytest.mark.parametrize(
    ("said", "changes"),
    [
        ({"customer": "zed"}, {"customer": "zed"}),
        ({"customer": ""}, {"customer": None}),
        ({"billable": False, "tags.team": "red"}, {"billable": "false", "tags.team": "red"}),
        ({"billable": "yes"}, {"billable": "true"}),
        ({"user": "ann"}, {"user": "<ann>"}),
        ({"user": ""}, {"user": None}),
    ],
)
def test_an_attribution(said: dict[str, Any], changes: dict[str, Any]) -> None:
    assert attribution(said, lambda name: f"<{name}>") == changes


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"model": "gpt-5"}, "no attribution key 'model'; known are: customer"),
        ({"tags.": "x"}, "no attribution key"),
        ({"billable": "perhaps"}, "give true or false"),
        ({"customer": "é" * 129}, "256 bytes"),
    ],
)
def test_an_attribution_that_cannot_be(said: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        attribution(said, str)


def test_quantities_that_contradict_each_other_are_refused() -> None:
    call = replace(a_call(), usage=Usage(output=50, reasoning=40))
    with pytest.raises(UsageError, match="c_1: reasoning_exceeds_output: a part cannot be larger than its whole"):
        after_amendment(call, {"meter.output": "30"})
    with pytest.raises(UsageError, match="c_1: cache_read is a part of input, which is unknown; set both"):
        after_amendment(call, {"meter.cache_read": "30"})
    found = after_amendment(call, {"meter.input": "40", "meter.cache_read": "30"})
    assert found.usage == Usage(input=40, cache_read=30, output=50, reasoning=40)


@pytest.mark.parametrize("changes", [{"meter.input": "3"}, {"meter.searches": None}])
def test_a_unit_is_a_quantity_of_its_meter_and_of_nothing_else(changes: dict[str, str | None]) -> None:
    unit = replace(a_call(), kind="unit", meter="searches", quantity=Decimal(2), usage=Usage())
    with pytest.raises(UsageError, match="c_1 is a quantity of searches and of nothing else: set searches=NUMBER"):
        after_amendment(unit, changes)


def test_a_call_has_so_many_tags_and_no_more() -> None:
    call = replace(a_call(), tags=tuple((f"t{number:02}", "x") for number in range(16)))
    with pytest.raises(UsageError, match="17 tags, 16 is the most"):
        after_attribution(call, {"tags.more": "x"})
    assert len(after_attribution(call, {"tags.more": "x", "tags.t00": None}).tags) == 16
