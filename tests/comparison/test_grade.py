"""The rules of the comparison, each with a case that shows it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from comparison.case import ABORTED, ESTIMATED, EXACT, REFUSED, TIMED_OUT, Case
from comparison.grade import Grade, grade
from conformance.bill import Attempt

IN, OUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
READ, TIER = "gen_ai.usage.cache_read.input_tokens", "openai.response.service_tier"
RIGHT = {IN: 100, OUT: 20, READ: 60, TIER: "flex"}
EST = "tollspan.quality"


def billed(status: int = 200, **more: Any) -> Attempt:
    counts: dict[str, Any] = {"input": 100, "output": 20, "cache_read": 60, "cache_write": 0, "reasoning": 0}
    return Attempt(stack="s", case="c", api="a", status=status, response_id="r", tier="flex", **{**counts, **more})


def case(*expected: Any, **more: Any) -> Case:
    return Case("Case: one", "openai", print, expected, **more)


@pytest.mark.parametrize(
    ("expected", "spans", "bill", "wanted", "said"),
    [
        ([EXACT], [RIGHT], [billed()], Grade.RIGHT, "ok"),
        ([EXACT], [{"http.method": "POST"}, RIGHT], [billed()], Grade.RIGHT, "ok"),
        ([EXACT], [RIGHT, RIGHT], [billed()], Grade.WRONG, "in:200!=100 out:40!=20 cr:120!=60"),
        ([EXACT], [{**RIGHT, IN: 40}], [billed()], Grade.WRONG, "in:40!=100"),
        ([EXACT], [{**RIGHT, READ: 0}], [billed()], Grade.WRONG, "cr:0!=60"),
        ([EXACT], [{**RIGHT, READ: 7}], [billed()], Grade.WRONG, "cr:7!=60"),
        ([EXACT], [{**RIGHT, TIER: "default"}], [billed()], Grade.WRONG, "tier:default"),
        ([EXACT], [{IN: 100, OUT: 20}], [billed()], Grade.DROPPED, "-cr,tier"),
        ([EXACT], [{IN: 100, TIER: "flex"}], [billed(output=0, cache_read=0)], Grade.RIGHT, "ok"),
        ([EXACT], [{OUT: 20}], [billed()], Grade.WRONG, "in:-!=100"),
        ([EXACT], [{"gen_ai.system": "openai"}], [billed()], Grade.MISSING, "no usage"),
        ([EXACT], [], [billed()], Grade.MISSING, "no span"),
        ([EXACT, EXACT], [RIGHT], [billed(), billed()], Grade.WRONG, "in:100!=200 out:20!=40 cr:60!=120"),
        ([REFUSED, EXACT], [{}, RIGHT], [billed(429, input=0), billed()], Grade.RIGHT, "ok"),
        ([REFUSED], [{}], [billed(429)], Grade.RIGHT, "ok"),
        ([REFUSED], [RIGHT], [billed(429)], Grade.WRONG, "usage of nothing"),
        ([EXACT], [], [], Grade.WRONG, "the call fails"),
        ([], [], [], Grade.RIGHT, "ok"),
        ([], [RIGHT], [], Grade.WRONG, "usage of nothing"),
        ([ESTIMATED], [{IN: 90, EST: "estimated"}], [billed()], Grade.ESTIMATED, "est"),
        ([ESTIMATED], [{IN: 90}], [billed()], Grade.WRONG, "in:90 as a fact"),
        ([ESTIMATED], [{"x": 1}], [billed()], Grade.MISSING, "no usage"),
        ([ESTIMATED], [], [billed()], Grade.MISSING, "no span"),
        ([TIMED_OUT, EXACT], [{IN: 9, EST: "estimated"}, RIGHT], [billed(input=5), billed()], Grade.ESTIMATED, "est"),
        ([TIMED_OUT, EXACT], [RIGHT], [billed(input=5), billed()], Grade.MISSING, "1 of 2 attempts"),
    ],
)
def test_the_rules(expected: Any, spans: Any, bill: Any, wanted: Grade, said: str) -> None:
    found = grade(case(*expected), spans, bill)
    assert (found.grade, found.said) == (wanted, said)


@pytest.mark.parametrize(("said", "wanted"), [(100, Grade.RIGHT), (99, Grade.WRONG)])
def test_of_a_broken_stream_whose_input_was_stated_only_the_input_is_graded(said: int, wanted: Grade) -> None:
    broken = case(ABORTED, input_stated=True)
    assert grade(broken, [{IN: said, OUT: 1}], [billed()]).grade is wanted


def test_parts_inside_a_raw_usage_object_count() -> None:
    raw = {"prompt_tokens_details": {"cached_tokens": 60}, "service_tier": "flex"}
    assert grade(case(EXACT), [{IN: 100, OUT: 20, "gen_ai.usage.raw": json.dumps(raw)}], [billed()]).said == "ok"


def test_a_name_that_is_older_is_read_too() -> None:
    old = {"llm.token_count.prompt": 100, "llm.token_count.completion": 20}
    assert grade(case(EXACT), [{**old, "llm.token_count.prompt_details.cache_read": 60}], [billed()]).said == "-tier"
