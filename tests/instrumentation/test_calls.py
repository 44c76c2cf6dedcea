"""What records say beside their counts; that these are the bill, case by case, is ``tests/comparison``."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import pytest
from tests.instrumentation import calls


def test_the_same_request_sent_twice_by_the_application_is_no_retry(metered: Any) -> None:
    calls.chat()
    calls.chat()
    assert [(span["tollspan.attempt"], span["tollspan.retry_of"]) for span in metered.collect()] == [(1, None)] * 2


def test_an_unfinished_anthropic_stream_keeps_its_input_and_not_the_placeholder(metered: Any) -> None:
    calls.stop_after(calls.message(stream=True), 4)
    (span,) = metered.collect()
    (entry,) = metered.provider.bill.entries
    assert span["gen_ai.usage.input_tokens"] == entry["input"]
    assert "output_tokens" not in json.loads(span["tollspan.usage.raw"])
    assert 1 <= span["gen_ai.usage.output_tokens"] <= 12


def test_cache_lifetimes_stay_in_the_raw_usage(metered: Any) -> None:
    client = anthropic.Anthropic()
    for number in range(12):
        more = {"client": client, "metadata": {"user_id": str(number)}}
        calls.message(**more) if number % 2 else calls.read(calls.message(stream=True, **more))
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
    calls.chat()
    calls.read(calls.chat(stream=True))
    plain, streamed = metered.collect()
    assert (plain["gen_ai.request.stream"], streamed["gen_ai.request.stream"]) == (False, True)
    assert plain["gen_ai.response.time_to_first_chunk"] is None
    assert 0 < streamed["gen_ai.response.time_to_first_chunk"] <= (streamed.end_ns - streamed.start_ns) / 1e9


def test_whole_streams_with_stated_usage_tell_how_fast_they_came(metered: Any) -> None:
    calls.chat()
    calls.read(calls.chat(stream=True))
    calls.stop_after(calls.message(stream=True), 4)
    calls.read(calls.message(stream=True))
    *others, streamed = metered.collect()
    assert [span["tollspan.output_tokens_per_second"] for span in others] == [None] * 3
    first = streamed.start_ns / 1e9 + streamed["gen_ai.response.time_to_first_chunk"]
    rate = streamed["gen_ai.usage.output_tokens"] / (streamed.end_ns / 1e9 - first)
    assert streamed["tollspan.output_tokens_per_second"] == pytest.approx(rate, rel=0.2)


def test_sequence_has_no_gaps_and_record_ids_are_unique(metered: Any) -> None:
    for _ in range(5):
        calls.chat()
    spans = metered.collect()
    assert [span["tollspan.seq"] for span in spans] == [1, 2, 3, 4, 5]
    assert len({span["tollspan.record.id"] for span in spans}) == len({span.span_id for span in spans}) == 5
    assert len({span["tollspan.process.id"] for span in spans}) == 1
