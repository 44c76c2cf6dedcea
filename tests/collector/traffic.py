"""Requests for the Collector's tests: spans with attributes in every place where OTLP has some."""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

TRACE_ID = bytes(range(16))
START_NS = 1_795_220_176_000_000_000


def span_id(number: int) -> bytes:
    """Return the span id of a number above 0."""
    return number.to_bytes(8, "big")


def key_values(attributes: Mapping[str, str]) -> list[KeyValue]:
    """Return attributes in OTLP's form."""
    return [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in attributes.items()]


def as_dict(attributes: object) -> dict[str, str]:
    """Return OTLP attributes with string values as a dict."""
    return {item.key: item.value.string_value for item in attributes}  # type: ignore[attr-defined]


def span(number: int, attributes: Mapping[str, str], parent: int = 1) -> Span:
    """Return a span; ``parent`` 0 makes it a root."""
    return Span(
        trace_id=TRACE_ID,
        span_id=span_id(number),
        parent_span_id=span_id(parent) if parent else b"",
        name=f"span {number}",
        start_time_unix_nano=START_NS + number,
        end_time_unix_nano=START_NS + number + 1_000_000,
        attributes=key_values(attributes),
        status=Status(code=Status.STATUS_CODE_OK),
    )


def request(
    spans: list[Span],
    resource: Mapping[str, str] | None = None,
    scope: Mapping[str, str] | None = None,
) -> ExportTraceServiceRequest:
    """Return one request with these spans in one resource and one scope."""
    made = ExportTraceServiceRequest()
    resource_spans = made.resource_spans.add()
    resource_spans.resource.attributes.extend(key_values(resource or {"service.name": "app"}))
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = "tests"
    scope_spans.scope.attributes.extend(key_values(scope or {}))
    scope_spans.spans.extend(spans)
    return made


def numbered(first: int, count: int) -> ExportTraceServiceRequest:
    """Return one request with ``count`` small spans, numbered from ``first``."""
    return request([span(number, {"gen_ai.request.model": "m"}) for number in range(first, first + count)])


def ids(first: int, count: int) -> set[bytes]:
    """Return the span ids of `numbered`."""
    return {span_id(number) for number in range(first, first + count)}
