"""What recorded spans show beside their bill, which tests/dialects compares: flags, details, aborted streams."""

from __future__ import annotations

import pytest
from tests.extract.recorded import FOLDER, traces, truth

from tollspan_rater.domain.call import Call, Extracted
from tollspan_rater.extract.extract import extract
from tollspan_rater.extract.settle import settle

TRUTH = truth()
STACKS = sorted(path.name.removesuffix(".otlp.jsonl") for path in FOLDER.glob("*.otlp.jsonl"))


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
