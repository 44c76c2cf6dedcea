"""The record path: ids, encoding, normal form, settings; pure parts of the wire contract."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tollspan import export
from tollspan.attribution import Attribution
from tollspan.process import Identity, Process, uuid7
from tollspan.record import CallRecord
from tollspan.settings import resolve
from tollspan.usage import TokenCounts

RECORD = CallRecord(
    identity=Identity("0199", "ab" * 16, "cd" * 8, "ef" * 8),
    process_id="p1",
    seq=7,
    start_ns=1_000,
    end_ns=2_000,
    operation="chat",
    provider="openai",
    api="openai.chat",
    quality="exact",
    outcome="complete",
    attribution=Attribution({"customer": "acme"}, {"team": "red"}),
    counts=TokenCounts(10, 4, None, 5, 0),
    request_model="gpt-4o",
    finish_reasons=("stop",),
)


def test_a_record_is_one_span_with_the_wire_contract_s_names() -> None:
    request = ExportTraceServiceRequest.FromString(export.spans([RECORD], {"service.name": "shop"}))
    (span,) = request.resource_spans[0].scope_spans[0].spans
    assert (span.name, span.trace_id.hex(), span.parent_span_id.hex(), span.kind) == (
        "chat gpt-4o",
        "ab" * 16,
        "ef" * 8,
        3,
    )
    values = {item.key: item.value for item in span.attributes}
    assert values["gen_ai.usage.input_tokens"].int_value == 10
    assert values["gen_ai.usage.reasoning.output_tokens"].WhichOneof("value") == "int_value"
    assert "gen_ai.usage.cache_write.input_tokens" not in values
    assert values["tollspan.customer"].string_value == "acme"
    assert values["tollspan.tags.team"].string_value == "red"
    assert values["gen_ai.response.finish_reasons"].array_value.values[0].string_value == "stop"
    assert values["tollspan.trace.sampled"].bool_value is True


def test_the_same_records_give_the_same_bytes() -> None:
    assert export.spans([RECORD, RECORD]) == export.spans([RECORD, RECORD])


@given(st.integers(0, 2**47 * 1_000_000), st.binary(min_size=10, max_size=10))
@settings(max_examples=50, deadline=None)
def test_uuid7_is_one_and_sorts_by_time(now_ns: int, random: bytes) -> None:
    made = uuid.UUID(uuid7(now_ns, random))
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert made.int >> 80 == now_ns // 1_000_000


def test_a_process_counts_without_gaps() -> None:
    process = Process("p")
    assert [process.number() for _ in range(3)] == [("p", 1), ("p", 2), ("p", 3)]
    assert Process().id != Process().id


@pytest.mark.parametrize(
    ("environ", "arguments", "url", "headers"),
    [
        ({}, {}, None, None),
        ({}, {"endpoint": "http://a:4318"}, "http://a:4318/v1/traces", {}),
        ({}, {"endpoint": "http://a:4318/v1/traces", "headers": {"x": "1"}}, "http://a:4318/v1/traces", {"x": "1"}),
        (
            {"TOLLSPAN_OTLP_ENDPOINT": "https://a/", "TOLLSPAN_OTLP_HEADERS": "authorization=Bearer%20t"},
            {},
            "https://a/v1/traces",
            {"authorization": "Bearer t"},
        ),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://b/x"}, {}, "http://b/x", {}),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://b:4318", "OTEL_EXPORTER_OTLP_HEADERS": "k=v"},
            {},
            "http://b:4318/v1/traces",
            {"k": "v"},
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://b:4317"}, {}, "http://b:4318/v1/traces", {}),
        (
            {"TOLLSPAN_OTLP_ENDPOINT": "http://a", "OTEL_EXPORTER_OTLP_HEADERS": "k=secret"},
            {},
            "http://a/v1/traces",
            {},
        ),
    ],
)
def test_where_records_go(environ: Any, arguments: Any, url: str | None, headers: Any) -> None:
    found = resolve(environ, **arguments)
    assert (found and found.url, found and found.headers) == (url, headers)


@pytest.mark.parametrize(
    ("environ", "given_hosts", "hosts"),
    [
        ({}, None, {"api.openai.com"}),
        ({"TOLLSPAN_INCLUDE_USAGE_HOSTS": "a, b"}, None, {"a", "b"}),
        ({"TOLLSPAN_INCLUDE_USAGE_HOSTS": ""}, None, set()),
        ({"TOLLSPAN_INCLUDE_USAGE_HOSTS": "a"}, ["c"], {"c"}),
    ],
)
def test_hosts_that_are_asked_for_usage(environ: Any, given_hosts: Any, hosts: set[str]) -> None:
    found = resolve(environ, endpoint="http://a", include_usage_hosts=given_hosts)
    assert found is not None
    assert found.include_usage_hosts == hosts


def test_the_resource_names_the_service() -> None:
    environ = {"OTEL_SERVICE_NAME": "shop", "OTEL_RESOURCE_ATTRIBUTES": "service.name=x,team=a%20b"}
    found = resolve(environ, endpoint="http://a")
    assert found is not None
    assert found.resource == {"service.name": "shop", "team": "a b"}
