"""Every way to call a provider leaves one record an attempt, equal to the provider's own bill."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.instrumentation import cases

COUNTS = {
    "input": "gen_ai.usage.input_tokens",
    "output": "gen_ai.usage.output_tokens",
    "cache_read": "gen_ai.usage.cache_read.input_tokens",
    "cache_write": "gen_ai.usage.cache_write.input_tokens",
    "reasoning": "gen_ai.usage.reasoning.output_tokens",
}


def billed(entry: dict[str, Any]) -> dict[str, int | None]:
    """What a record must hold: counts that the API does not state are unknown, not zero."""
    unstated = {"openai.chat": {"cache_write"}, "openai.responses": {"cache_write"}}.get(entry["api"], set())
    if entry["api"] == "openai.embeddings":
        unstated = set(COUNTS) - {"input"}
    return {name: None if name in unstated else entry[name] for name in COUNTS}


@pytest.mark.parametrize("case", cases.CASES, ids=lambda case: case.name)
def test_records_equal_the_bill(case: Any, metered: Any) -> None:
    case.call()
    spans = metered.collect()
    assert tuple((span["tollspan.outcome"], span["tollspan.quality"]) for span in spans) == case.expected
    entries = {entry["request_id"]: entry for entry in metered.provider.bill.entries}
    for span in spans:
        assert span.error == (span["tollspan.outcome"] in ("failed", "timeout"))
        if span["tollspan.quality"] == "exact":
            entry = entries[span["tollspan.provider_request_id"]]
            assert {name: span[attribute] for name, attribute in COUNTS.items()} == billed(entry)
            assert span["gen_ai.response.id"] == (None if entry["api"] == "openai.embeddings" else entry["response_id"])
            assert span["tollspan.usage.api"] == entry["api"]
            assert json.loads(span["tollspan.usage.raw"])
            assert span["gen_ai.response.finish_reasons"] or entry["api"] == "openai.embeddings"
        if span["tollspan.quality"] == "estimated":
            assert span["gen_ai.usage.input_tokens"] > 0
    assert len(entries) == sum(quality != "unmeasured" for _, quality in case.expected)


@pytest.mark.parametrize("case", [case for case in cases.CASES if len(case.expected) > 1], ids=lambda case: case.name)
def test_retries_point_to_the_first_attempt(case: Any, metered: Any) -> None:
    case.call()
    first, *others = metered.collect()
    assert (first["tollspan.attempt"], first["tollspan.retry_of"]) == (1, None)
    assert [span["tollspan.attempt"] for span in others] == list(range(2, len(others) + 2))
    assert {span["tollspan.retry_of"] for span in others} == {first["tollspan.record.id"]}


def test_the_same_request_sent_twice_by_the_application_is_no_retry(metered: Any) -> None:
    cases.chat()
    cases.chat()
    assert [(span["tollspan.attempt"], span["tollspan.retry_of"]) for span in metered.collect()] == [(1, None)] * 2


def test_an_unfinished_anthropic_stream_keeps_its_input_and_not_the_placeholder(metered: Any) -> None:
    cases.stop_after(cases.message(stream=True), 4)
    (span,) = metered.collect()
    (entry,) = metered.provider.bill.entries
    assert span["gen_ai.usage.input_tokens"] == entry["input"]
    assert "output_tokens" not in json.loads(span["tollspan.usage.raw"])
    assert 1 <= span["gen_ai.usage.output_tokens"] <= 12


def test_cache_lifetimes_stay_in_the_raw_usage(metered: Any) -> None:
    client = cases.claude()
    for number in range(12):
        more = {"client": client, "metadata": {"user_id": str(number)}}
        cases.message(**more) if number % 2 else cases.read(cases.message(stream=True, **more))
    expected = {
        entry["response_id"]: {
            "ephemeral_5m_input_tokens": entry["cache_write_5m"],
            "ephemeral_1h_input_tokens": entry["cache_write_1h"],
        }
        for entry in metered.provider.bill.entries
    }
    spans = metered.collect()
    raw = {span["gen_ai.response.id"]: json.loads(span["tollspan.usage.raw"])["cache_creation"] for span in spans}
    assert raw == expected
    assert any(sum(lifetimes.values()) for lifetimes in raw.values())


def test_streams_tell_the_time_to_their_first_chunk(metered: Any) -> None:
    cases.chat()
    cases.read(cases.chat(stream=True))
    plain, streamed = metered.collect()
    assert (plain["gen_ai.request.stream"], streamed["gen_ai.request.stream"]) == (False, True)
    assert plain["gen_ai.response.time_to_first_chunk"] is None
    assert 0 < streamed["gen_ai.response.time_to_first_chunk"] <= (streamed.end_ns - streamed.start_ns) / 1e9


def test_whole_streams_with_stated_usage_tell_how_fast_they_came(metered: Any) -> None:
    cases.chat()
    cases.read(cases.chat(stream=True))
    cases.stop_after(cases.message(stream=True), 4)
    cases.read(cases.message(stream=True))
    *others, streamed = metered.collect()
    assert [span["tollspan.output_tokens_per_second"] for span in others] == [None] * 3
    first = streamed.start_ns / 1e9 + streamed["gen_ai.response.time_to_first_chunk"]
    rate = streamed["gen_ai.usage.output_tokens"] / (streamed.end_ns / 1e9 - first)
    assert streamed["tollspan.output_tokens_per_second"] == pytest.approx(rate, rel=0.2)


def test_sequence_has_no_gaps_and_record_ids_are_unique(metered: Any) -> None:
    for _ in range(5):
        cases.chat()
    spans = metered.collect()
    assert [span["tollspan.seq"] for span in spans] == [1, 2, 3, 4, 5]
    assert len({span["tollspan.record.id"] for span in spans}) == len({span.span_id for span in spans}) == 5
    assert len({span["tollspan.process.id"] for span in spans}) == 1
