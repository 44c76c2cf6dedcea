"""Recorded spans of real instrumentations give the provider's own bill; what is known to be missing stands here."""

from __future__ import annotations

import pytest
from tests.extract.recorded import FOLDER, traces, truth

from tollspan_rater.domain.call import Call, Extracted
from tollspan_rater.extract.extract import extract
from tollspan_rater.extract.settle import settle

FIELDS = {
    "input": "input_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write": "cache_write_tokens",
    "output": "output_tokens",
    "reasoning": "reasoning_tokens",
}
TRUTH = truth()
STACKS = sorted(path.name.removesuffix(".otlp.jsonl") for path in FOLDER.glob("*.otlp.jsonl"))

# What is not on the spans: it must come out as unknown, never as zero or a guess. This list may only shrink.
UNKNOWN = {
    ("strands", "strands_openai"): {"reasoning"},
    ("strands", "strands_anthropic"): {"reasoning"},
    ("traceloop_0.62.4", "openai_chat"): {"cache_write"},
    ("traceloop_0.62.4", "openai_chat_stream_usage"): {"cache_write", "reasoning"},
    ("traceloop_0.62.4", "openai_chat_retry"): {"cache_write"},
    ("traceloop_0.62.4", "openai_resp"): {"cache_write"},
    ("traceloop_0.62.4", "openai_resp_stream"): {"cache_write"},
    ("traceloop_0.62.4", "gemini"): {"reasoning"},
    ("traceloop_0.62.4", "gemini_stream"): {"reasoning"},
    ("traceloop_0.62.4", "lc_openai"): {"reasoning"},
    ("vercel_v5", "gen_openai_chat"): {"cache_read", "reasoning"},
    ("vercel_v5", "gen_openai_resp"): {"cache_read", "reasoning"},
}
# What the spans state wrongly and nothing on them corrects, with what comes out.
WRONG = {
    # The package drops the tokens of tool use; neither a total nor another count shows it.
    ("otel_genai_1.3b0", "gemini"): {"input": 1000},
    ("otel_genai_1.3b0", "gemini_stream"): {"input": 1000},
    # The total shows 90 tokens more; which of them are thoughts and which tool use is not said: a lower bound.
    ("traceloop_0.62.4", "gemini"): {"input": 1000, "output": 150},
    ("traceloop_0.62.4", "gemini_stream"): {"input": 1000, "output": 150},
}


def calls_of(stack: str) -> dict[str, list[Call]]:
    found = {}
    for spans in traces(stack):
        read = [extract(span) for span in spans]
        assert all(isinstance(one, Extracted) for one in read)
        found[spans[0].trace_id] = settle(one for one in read if isinstance(one, Extracted))
    return found


@pytest.fixture(scope="module")
def settled() -> dict[str, list[Call]]:
    return {trace: calls for stack in STACKS for trace, calls in calls_of(stack).items()}


@pytest.mark.parametrize("row", TRUTH.values(), ids=lambda row: f"{row['stack']}/{row['case']}")
def test_a_recorded_trace_gives_the_providers_bill(row: dict[str, object], settled: dict[str, list[Call]]) -> None:
    calls = settled[str(row["trace_id"])]
    if not row["measured"]:
        assert [call.quality in {"unmeasured", "lower_bound", "estimated"} for call in calls] == [True]
        return
    assert len(calls) == row["calls"]
    case = str(row["stack"]), str(row["case"])
    for field, name in FIELDS.items():
        got, want = getattr(calls[0].usage, field), row[name]
        if field in WRONG.get(case, {}):
            assert got == WRONG[case][field] != want
        elif field in UNKNOWN.get(case, set()):
            assert got is None
            assert want
        else:
            assert got == want or (got is None and not want), field


def test_a_total_that_nothing_explains_is_marked(settled: dict[str, list[Call]]) -> None:
    [trace] = [t for t, row in TRUTH.items() if (row["stack"], row["case"]) == ("traceloop_0.62.4", "gemini")]
    assert settled[trace][0].quality == "lower_bound"
    assert settled[trace][0].flags == ("unallocated_tokens",)


def test_the_raw_usage_of_a_lower_view_brings_what_no_attribute_has(settled: dict[str, list[Call]]) -> None:
    [trace] = [t for t, row in TRUTH.items() if row["case"] == "lite_anthropic"]
    call = settled[trace][0]
    assert (call.usage.cache_write_5m, call.usage.cache_write_1h) == (200, 100)
    assert {meter: str(amount) for meter, amount in call.usage.units.items()} == {"web_search": "2"}
    assert str(call.reported_cost) == "0.02483"


@pytest.mark.parametrize("stack", ["otel_genai_1.3b0", "traceloop_0.62.4", "openinference_2026-11"])
def test_an_aborted_stream_is_no_silent_zero(stack: str, settled: dict[str, list[Call]]) -> None:
    aborted = [t for t, row in TRUTH.items() if row["stack"] == stack and row["case"] == "anthropic_stream_abort"]
    [call] = settled[aborted[0]]
    assert (call.usage.input, call.quality, call.outcome) == (1000, "lower_bound", "aborted")
