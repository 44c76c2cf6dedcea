"""What is measured in this process: calls and streams, bare, with tollspan, with OTel's own; a bare span."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import httpx2
import openai
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

import tollspan
from benchmarks.overhead.pairs import Pair
from benchmarks.overhead.provider import MESSAGES, MODEL, Canned
from tollspan import wire
from tollspan.runtime import Runtime
from tollspan.settings import resolve

HOST: Final = "https://api.openai.com/v1"  # never reached; its streams are asked for usage on the application's behalf
SPAN, SPAN_BESIDE = "a span with 15 attributes", "httpx2 call in such a span"
NULL, HTTP, SDK = "nothing", "httpx2 call", "openai call"
HTTP_STREAM = "httpx2 stream"
STREAM, ASKING_STREAM = "openai stream", "openai stream that asks for usage"
OTEL_SDK, OTEL_STREAM = "OTel genai, openai call", "OTel genai, openai stream"


@contextmanager
def pairs(endpoint: str, spool: str, scale: int) -> Iterator[list[Pair]]:
    """Give everything that is measured; ``scale`` multiplies the calls of a batch."""
    with httpx2.Client(transport=Canned()) as http:
        gpt = openai.OpenAI(api_key="made-up", base_url=HOST, http_client=http, max_retries=0)
        bare = list(_bare(http, gpt, scale))
        with _tollspan(endpoint, spool, bare) as ours, _opentelemetry(bare, scale) as theirs:
            yield [replace(bare[0], name=NULL), *ours, *theirs]


def _bare(http: httpx2.Client, gpt: openai.OpenAI, scale: int) -> Iterator[Pair]:
    asked = {"model": MODEL, "messages": MESSAGES}
    options: Any = {"stream_options": {"include_usage": True}}

    def by_http() -> object:
        return http.post(f"{HOST}/chat/completions", json=asked).json()["usage"]

    def http_stream() -> None:
        with http.stream("POST", f"{HOST}/chat/completions", json={**asked, "stream": True}) as answer:
            for _ in answer.iter_lines():
                pass

    def by_sdk() -> object:
        return gpt.chat.completions.create(model=MODEL, messages=MESSAGES)

    def stream(**more: Any) -> None:
        for _ in gpt.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True, **more):
            pass

    yield Pair(HTTP, by_http, by_http, 10 * scale)
    yield Pair(SDK, by_sdk, by_sdk, 8 * scale)
    yield Pair(HTTP_STREAM, http_stream, http_stream, 4 * scale)
    yield Pair(STREAM, stream, stream, scale)
    yield Pair(ASKING_STREAM, lambda: stream(**options), lambda: stream(**options), scale)


@contextmanager
def _tollspan(endpoint: str, spool: str, bare: list[Pair]) -> Iterator[list[Pair]]:
    """Give the work with tollspan: hooked in and out around each batch, while its sender sends on."""
    settings = resolve({"TOLLSPAN_SPOOL_DIR": spool}, endpoint=endpoint)
    if settings is None:
        raise RuntimeError("an endpoint is given")
    running = Runtime(settings)
    with tollspan.attribute(customer="acme", user="u1", feature="chat"):
        yield [replace(one, put_in=lambda: wire.patch(running, settings), take_out=wire.unpatch) for one in bare]
    running.sender.close(5)


@contextmanager
def _opentelemetry(bare: list[Pair], scale: int) -> Iterator[list[Pair]]:
    """Give a bare span, and the SDK's calls with OpenTelemetry's own instrumentation, both on a batching processor."""
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(spans))
    tracer = provider.get_tracer("bench")
    instrumentor = OpenAIInstrumentor()

    def span() -> None:
        with tracer.start_as_current_span("chat", kind=SpanKind.CLIENT) as one:
            one.set_attributes({**_TEXTS, **_NUMBERS})

    http, call, _, stream, _ = bare

    def beside() -> None:
        with tracer.start_as_current_span("chat", kind=SpanKind.CLIENT) as one:
            http.off()
            one.set_attributes({**_TEXTS, **_NUMBERS})

    def put_in() -> None:
        instrumentor.instrument(tracer_provider=provider)

    def take_out() -> None:
        instrumentor.uninstrument()
        spans.clear()

    yield [
        Pair(SPAN, lambda: None, span, 100 * scale, take_out=spans.clear),
        replace(http, name=SPAN_BESIDE, on=beside, take_out=spans.clear),
        replace(call, name=OTEL_SDK, put_in=put_in, take_out=take_out),
        replace(stream, name=OTEL_STREAM, put_in=put_in, take_out=take_out),
    ]
    provider.shutdown()


_TEXTS: Final = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": MODEL,
    "gen_ai.response.model": MODEL,
    "gen_ai.response.id": "chatcmpl-C1mV9",
    "server.address": "api.openai.com",
    "enduser.id": "u1",
    "customer": "acme",
    "feature": "chat",
    "outcome": "complete",
}
_NUMBERS: Final = {
    "gen_ai.usage.input_tokens": 512,
    "gen_ai.usage.cache_read.input_tokens": 256,
    "gen_ai.usage.output_tokens": 200,
    "gen_ai.usage.reasoning.output_tokens": 64,
    "http.response.status_code": 200,
}
