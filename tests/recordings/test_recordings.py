"""The usage of every recorded exchange is read as its provider means it."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.recordings.exchange import FILE, exchanges, usage_object
from tests.recordings.grade import Grade, grade, span_of, table

pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"no recordings at {FILE}; set TOLLSPAN_SHARED_DATA")

# Splits that cannot be, and are taken back: more was read from and written to the cache than the input holds; three of
# four tokens of output are reasoning and all four are audio (numbers that somebody made up).
UNFIT = {"openrouter-470cdd1d65c4", "openai-351f63a428df"}


@pytest.fixture(scope="module")
def grades() -> list[Grade]:
    return [grade(exchange) for exchange in exchanges()]


def test_every_exchange_with_a_truth_is_read_exactly(grades: list[Grade]) -> None:
    every = table(grades)["all"]
    assert (every["exchanges"], every["with truth"], every["exact"]) == (1564, 1434, 1434)
    assert [one for one in grades if one.verdict == "wrong"] == []


def test_every_exchange_without_a_truth_is_graded_and_none_is_a_silent_zero(grades: list[Grade]) -> None:
    without = Counter(one.quality for one in grades if one.verdict in {"graded", "silent zero"})
    assert table(grades)["all"]["silent zero"] == 0
    assert without == {"unmeasured": 87, "unmeasured, failed": 39, "exact": 4}  # exact: reranks, by search unit


def test_what_is_not_exact_says_why(grades: list[Grade]) -> None:
    flagged = {one.exchange: (one.quality, one.note) for one in grades if one.verdict == "exact" and one.note}
    assert {one.exchange for one in grades if one.verdict == "exact" and one.quality != "exact"} == flagged.keys()
    assert Counter(flagged.values()) == {
        ("derived", "output_from_total"): 2,
        ("derived", "cache_read_exceeds_input"): 1,
        ("derived", "audio_out_exceeds_output"): 1,
    }


def test_the_span_says_what_the_object_says_unless_the_object_contradicts_itself() -> None:
    for exchange in exchanges():
        if exchange["truth"] is not None:
            span = span_of(exchange, usage_object(exchange))
            stated = {name: exchange["truth"][f"{name}_tokens"] for name in ("input", "output")}
            assert {name: getattr(span.usage, name) for name in stated} == stated
            assert ("unfit_parts" in span.details) == (exchange["id"] in UNFIT)


def test_nothing_is_taken_off_or_put_onto_what_the_provider_counts_as_input() -> None:
    """System prompts and tool schemas are in the provider's input, and there they stay."""
    with_tools = [exchange for exchange in exchanges() if "tools_offered" in exchange["features"]]
    assert len(with_tools) == 800
    for exchange in with_tools:
        usage = usage_object(exchange)
        if usage is not None and "prompt_tokens" in json.dumps(usage):
            assert span_of(exchange, usage).usage.input == usage["prompt_tokens"]
