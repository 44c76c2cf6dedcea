"""What is said of records that are not what the table wants."""

from __future__ import annotations

from typing import Any

import pytest
from comparison.case import ABORTED, ESTIMATED, EXACT, REFUSED, UNMEASURED, Case
from comparison.check import faults
from conformance.bill import Attempt


def billed(response_id: str = "r", **more: Any) -> Attempt:
    counts: dict[str, Any] = {"input": 100, "output": 20, "cache_read": 60, "cache_write": 0, "reasoning": 0}
    return Attempt(stack="s", case="c", api="a", status=200, response_id=response_id, **{**counts, **more})


def record(outcome: str = "complete", quality: str = "exact", **more: Any) -> dict[str, Any]:
    return {
        "tollspan.outcome": outcome,
        "tollspan.quality": quality,
        "tollspan.usage.raw": '{"a":1}',
        "tollspan.record.id": "one",
        "tollspan.attempt": 1,
        "gen_ai.response.id": "r",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 60,
        **more,
    }


def case(*expected: Any, sdk: str = "openai", **more: Any) -> Case:
    return Case("Case: one", sdk, print, expected, **more)


INPUT, RAW, RESPONSE, NUMBER = (
    "gen_ai.usage.input_tokens",
    "tollspan.usage.raw",
    "gen_ai.response.id",
    "tollspan.attempt",
)
SECOND = {NUMBER: 2, "tollspan.retry_of": "one"}


@pytest.mark.parametrize(
    ("expected", "records", "said"),
    [
        (case(EXACT), [record()], ""),
        (case(), [], ""),
        (case(), [record()], "records are complete exact, expected none"),
        (case(EXACT), [], "records are none, expected complete exact"),
        (case(EXACT), [record("aborted")], "records are aborted exact, expected complete exact"),
        (case(EXACT), [record(**{INPUT: 99})], "input 99, billed 100"),
        (case(EXACT), [record(**{INPUT: None})], "input None, billed 100"),
        (case(EXACT), [record(**{RAW: None})], "no raw usage"),
        (case(EXACT), [record(**{RESPONSE: "", "tollspan.provider_request_id": "req_r"})], ""),
        (case(EXACT, EXACT), [record(), record()], "2 exact records of 1 calls, 0 repeat one"),
        (case(EXACT, EXACT, polls=1), [record(), record()], ""),
        (case(EXACT, EXACT), [record(), record(**{RESPONSE: "x"})], "no attempt on the bill for x"),
        (case(ESTIMATED), [record(quality="estimated", **{INPUT: 7})], ""),
        (case(ESTIMATED), [record(quality="estimated", **{INPUT: None})], "estimated input None, billed [100]"),
        (case(ABORTED, input_stated=True), [record("aborted", "estimated", **{INPUT: 7})], "estimated input 7"),
        (case(UNMEASURED), [record(quality="unmeasured", **{INPUT: None})], ""),
        (case(REFUSED, EXACT), [record("failed", "unmeasured"), record(**SECOND)], ""),
        (case(REFUSED, EXACT), [record("failed", "unmeasured"), record()], "attempts are numbered [1, 1]"),
        (case(REFUSED, EXACT), [record("failed", "unmeasured"), record(**{NUMBER: 2})], "do not point to the first"),
        (case(REFUSED, EXACT, sdk="cohere"), [record("failed", "unmeasured"), record()], ""),
    ],
)
def test_what_is_wrong_is_said(expected: Case, records: list[dict[str, Any]], said: str) -> None:
    found = "; ".join(faults(expected, records, [billed()]))
    assert (found == "") if not said else said in found


def test_a_record_alone_without_an_id_of_a_call_is_that_of_all_together() -> None:
    total = record(**{RESPONSE: "batch_1", INPUT: 300, "gen_ai.usage.output_tokens": 40})
    total["gen_ai.usage.cache_read.input_tokens"] = 120
    assert faults(case(EXACT), [total], [billed("a", input=200), billed("b")]) == []


def test_the_tier_is_the_bill_s() -> None:
    assert faults(case(EXACT), [record()], [billed(tier="flex")]) == ["tier None, billed flex"]
    assert faults(case(EXACT), [record(**{"tollspan.service_tier": "flex"})], [billed(tier="flex")]) == []
