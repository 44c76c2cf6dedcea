"""Tokens on the span that was active: sums over its calls, and nothing that is billed a second time."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import openai
import pytest
from opentelemetry import context, trace
from tests.instrumentation import rated, traces
from tests.instrumentation.traces import Traces

import tollspan
from tollspan import semconv
from tollspan.suppression import COVERED, UNTRACED

ASK: list[Any] = [{"role": "user", "content": "hi"}]


def chat(model: str = "gpt-5-mini", **more: Any) -> Any:
    return openai.OpenAI().chat.completions.create(model=model, messages=ASK, **more)


@pytest.fixture
def app(metered: Any) -> Traces:
    tollspan.uninstall()
    tollspan.install(endpoint=metered.sink.url, copy_to_span=True, include_usage_hosts=())
    return traces.made()


def stated(app: Traces, name: str = "request") -> dict[str, Any]:
    return dict(app.named(name).attributes or {})


def test_the_sums_over_all_calls_of_a_span(metered: Any, app: Traces) -> None:
    with app.tracer().start_as_current_span("request"):
        chat()
        [*chat(stream=True, stream_options={"include_usage": True})]
        openai.OpenAI().embeddings.create(model="text-embedding-3-small", input="x")
    records = metered.collect()
    assert len(records) == 3
    found = stated(app)
    assert found.pop(semconv.SPAN_CALLS) == 3
    assert found.pop(semconv.SPAN_RECORD_IDS) == tuple(span["tollspan.record.id"] for span in records)
    names = {
        semconv.SPAN_INPUT_TOKENS: semconv.INPUT_TOKENS,
        semconv.SPAN_OUTPUT_TOKENS: semconv.OUTPUT_TOKENS,
        semconv.SPAN_CACHE_READ_TOKENS: semconv.CACHE_READ_TOKENS,
        semconv.SPAN_CACHE_WRITE_TOKENS: semconv.CACHE_WRITE_TOKENS,
        semconv.SPAN_REASONING_TOKENS: semconv.REASONING_TOKENS,
    }
    sums = {copied: [span[own] for span in records if span[own] is not None] for copied, own in names.items()}
    assert found == {copied: sum(counts) for copied, counts in sums.items() if counts}


def test_the_rater_bills_each_call_once_and_the_span_never(metered: Any, app: Traces) -> None:
    with app.tracer().start_as_current_span("request"):
        chat()
        chat()
    metered.collect()
    alone, beside = rated.calls(metered.sink.bodies), rated.calls([*metered.sink.bodies, rated.exported(app.spans)])
    assert [call.usage for call in beside] == [call.usage for call in alone]
    assert len(beside) == 2
    assert rated.calls([rated.exported(app.spans)]) == []


def test_parallel_calls_below_one_span(metered: Any, app: Traces) -> None:
    with app.tracer().start_as_current_span("request"), ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(copy_context().run, chat) for _ in range(8)]:
            done.result()
    assert stated(app)[semconv.SPAN_CALLS] == 8
    assert stated(app)[semconv.SPAN_INPUT_TOKENS] == sum(span[semconv.INPUT_TOKENS] for span in metered.collect())


def test_the_span_that_was_active_when_the_call_was_made(metered: Any, app: Traces) -> None:
    with app.tracer().start_as_current_span("outer"), app.tracer().start_as_current_span("inner"):
        stream = chat(stream=True)
        first = next(stream)
        assert first
        with app.tracer().start_as_current_span("reading"):
            assert [*stream]
    assert semconv.SPAN_CALLS not in stated(app, "outer") | stated(app, "reading")
    assert stated(app, "inner")[semconv.SPAN_CALLS] == 1


def test_async_calls(metered: Any, app: Traces) -> None:
    async def main() -> None:
        async with openai.AsyncOpenAI() as client:
            with app.tracer().start_as_current_span("request"):
                made = client.chat.completions
                await asyncio.gather(*[made.create(model="gpt-5-mini", messages=ASK) for _ in range(3)])

    asyncio.run(main())
    assert stated(app)[semconv.SPAN_CALLS] == 3


def test_a_span_that_has_ended_is_left_alone(metered: Any, app: Traces) -> None:
    with app.tracer().start_as_current_span("request"):
        stream = chat(stream=True)
    assert [*stream]
    assert stated(app) == {}
    assert len(metered.collect()) == 1


def test_a_call_that_states_nothing_is_counted(metered: Any, app: Traces) -> None:
    with app.tracer().start_as_current_span("request"), pytest.raises(openai.RateLimitError):
        openai.OpenAI(max_retries=1).chat.completions.create(model="gpt-5-mini!429", messages=ASK)
    found = stated(app)
    assert found[semconv.SPAN_CALLS] == 2
    assert semconv.SPAN_INPUT_TOKENS not in found


@pytest.mark.parametrize("key", [*UNTRACED, *COVERED], ids=["otel", "otel plain", "openllmetry", "util-genai"])
def test_where_telemetry_is_suppressed_nothing_is_copied_and_all_is_metered(
    key: str, metered: Any, app: Traces
) -> None:
    with app.tracer().start_as_current_span("request"):
        token = context.attach(context.set_value(key, object()))
        chat()
        context.detach(token)
    assert stated(app) == {}
    assert len(metered.collect()) == 1


def test_only_when_asked_for(metered: Any) -> None:
    app = traces.made()
    with app.tracer().start_as_current_span("request"):
        chat()
    assert stated(app) == {}


def test_without_a_span_nothing_is_copied(metered: Any, app: Traces) -> None:
    chat()
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert len(metered.collect()) == 1
