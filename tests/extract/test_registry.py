"""A span's scope decides, then an attribute that only one dialect writes, then a family of keys."""

from __future__ import annotations

import pytest
from tests.extract.spans import a_span

from tollspan_rater.domain.span import AttributeValue
from tollspan_rater.extract.dialects.registry import ALL, REGISTRY
from tollspan_rater.extract.dialects.table import Dialect

FOUND: list[tuple[str, str, dict[str, AttributeValue], str]] = [
    ("opentelemetry.instrumentation.genai.bedrock", "1.3b0", {}, "otel.bedrock"),
    ("opentelemetry.instrumentation.genai.groq", "1.3b0", {}, "otel"),
    ("opentelemetry.instrumentation.anthropic", "0.62.4", {}, "traceloop.anthropic"),
    ("opentelemetry.instrumentation.anthropic", "0.33.3", {}, "traceloop.anthropic_0.33.3"),
    ("opentelemetry.instrumentation.anthropic", "0.9.12", {}, "traceloop.anthropic_0.33.3"),
    ("opentelemetry.instrumentation.anthropic", "0.33.4", {}, "traceloop.anthropic"),
    ("opentelemetry.instrumentation.anthropic", "1.0", {}, "traceloop.anthropic"),
    ("opentelemetry.instrumentation.anthropic", "", {}, "traceloop.anthropic"),
    ("opentelemetry.instrumentation.anthropic", "dev", {}, "traceloop.anthropic"),
    ("openinference.instrumentation.claude_agent_sdk", "1", {}, "openinference.claude_agent_sdk"),
    ("openinference.instrumentation.agno", "1", {}, "openinference"),
    ("ai", "", {"langfuse.observation.type": "span"}, "vercel"),
    ("my.app", "", {"litellm.call_id": "1", "gen_ai.span.kind": "LLM"}, "litellm"),
    ("my.app", "", {"llm.token_count.prompt": 1, "traceloop.span.kind": "task"}, "traceloop"),
    ("my.app", "", {"llm.token_count.prompt": 1}, "openinference"),
    ("my.app", "", {"gen_ai.usage.input_tokens": 1}, "semconv"),
    ("", "", {}, "semconv"),
]


@pytest.mark.parametrize(("scope", "version", "attributes", "name"), FOUND)
def test_the_dialect_of_a_span(scope: str, version: str, attributes: dict[str, AttributeValue], name: str) -> None:
    assert REGISTRY.dialect_of(a_span(attributes, scope=scope, scope_version=version)).name == name


@pytest.mark.parametrize("dialect", ALL, ids=lambda dialect: dialect.name)
def test_each_key_alone_tells_its_dialect(dialect: Dialect) -> None:
    for key in (*dialect.markers, *dialect.families):
        assert REGISTRY.dialect_of(a_span({key: "x"}, scope="my.app")) is dialect


def test_one_key_tells_one_dialect() -> None:
    keys = [key for dialect in ALL for key in (*dialect.markers, *dialect.families)]
    assert len(keys) == len(set(keys))


def test_what_a_table_ignores_it_does_not_read() -> None:
    for dialect in ALL:
        read = dialect.attribute_names()
        assert [name for name in dialect.ignored if name in read] == [], dialect.name
        stems = tuple(name.removesuffix("*") for name in dialect.ignored if name.endswith("*"))
        assert [name for name in read if stems and name.startswith(stems)] == [], dialect.name
