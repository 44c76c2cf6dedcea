"""What the provider counted is what counts: nothing is taken off for prompts, schemas, events or copies."""

from __future__ import annotations

import orjson
import pytest
from tests.extract.spans import T0, a_span

from tollspan_rater.domain.entries import Batch
from tollspan_rater.domain.span import Span
from tollspan_rater.extract.dialects.registry import ALL
from tollspan_rater.extract.dialects.table import Dialect
from tollspan_rater.extract.extract import extract
from tollspan_rater.ingest.decode import decode

SPOKEN = [dialect for dialect in ALL if dialect.scopes and {"input", "output"} <= dialect.keys.keys()]


@pytest.mark.parametrize("dialect", SPOKEN, ids=lambda dialect: dialect.name)
def test_the_stated_input_is_the_input(dialect: Dialect) -> None:
    """System prompts, tool schemas and a service's own instructions are in what the provider states."""
    written = {dialect.keys["input"][0]: 4321, dialect.keys["output"][0]: 2, "gen_ai.tool.definitions": "[{}]"}
    found = extract(a_span({"gen_ai.operation.name": "chat", **written}, scope=dialect.scopes[0], scope_version="0"))
    assert found.usage.input == 4321  # type: ignore[union-attr]


def test_usage_on_events_is_a_copy_and_is_not_read() -> None:
    """A service that lists an agent's messages writes on each the usage that the run's span has stated."""
    usage = [
        {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "70"}},
        {"key": "gen_ai.usage.output_tokens", "value": {"intValue": "7"}},
    ]
    listed = {
        "traceId": "a" * 32,
        "spanId": "2" * 16,
        "name": "list_messages",
        "startTimeUnixNano": str(T0),
        "endTimeUnixNano": str(T0 + 1),
        "attributes": [{"key": "gen_ai.operation.name", "value": {"stringValue": "list_messages"}}],
        "events": [{"name": "gen_ai.assistant.message", "timeUnixNano": str(T0), "attributes": usage}],
    }
    body = orjson.dumps({"resourceSpans": [{"scopeSpans": [{"scope": {"name": "agents"}, "spans": [listed]}]}]})
    [span] = decode(Batch(1, T0, "t1", "s", "otlp-json", body))
    assert isinstance(span, Span)
    found = extract(span)
    assert not found.usage.measured  # type: ignore[union-attr]
