"""Short ways to make spans for tests."""

from __future__ import annotations

from typing import Any

from tollspan import semconv
from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.span import CLIENT, AttributeValue, Span
from tollspan_rater.extract.extract import extract

SECOND = 1_000_000_000
T0 = 1_790_000_000 * SECOND
OTEL = "opentelemetry.instrumentation.genai.openai"
NATIVE = "com.anthropic.sdk.python"


def a_span(attributes: dict[str, AttributeValue] | None = None, **over: Any) -> Span:
    fields: dict[str, Any] = {
        "tenant": "t1",
        "trace_id": "a" * 32,
        "span_id": "1" * 16,
        "parent_id": "",
        "name": "chat",
        "kind": CLIENT,
        "start_ns": T0,
        "end_ns": T0 + SECOND,
        "status": 0,
        "scope": semconv.SCOPE_NAME,
        "scope_version": "1",
        "attributes": attributes or {},
    }
    return Span(**fields | over)


def chat(input_tokens: int | None = 10, output: int | None = 5, /, **more: AttributeValue) -> dict[str, AttributeValue]:
    found: dict[str, AttributeValue] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": input_tokens,
        "gen_ai.usage.output_tokens": output,
    }
    found |= {name.replace("__", "."): value for name, value in more.items()}
    return {name: value for name, value in found.items() if value is not None}


def read(span: Span) -> Extracted:
    found = extract(span)
    assert isinstance(found, Extracted), found
    return found


def an(attributes: dict[str, AttributeValue] | None = None, **over: Any) -> Extracted:
    return read(a_span(attributes, **over))
