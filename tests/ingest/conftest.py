"""Builders of OTLP requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from tollspan_rater.domain.entries import Batch, Encoding
from tollspan_rater.domain.span import Piece
from tollspan_rater.ingest.decode import decode

START_NS = 1_763_000_000_000_000_000


def any_value(value: Any) -> AnyValue:
    if isinstance(value, AnyValue):
        return value
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, list):
        found = AnyValue()
        found.array_value.values.extend(any_value(item) for item in value)
        found.array_value.SetInParent()
        return found
    if isinstance(value, dict):
        found = AnyValue()
        found.kvlist_value.SetInParent()
        for key, item in value.items():
            found.kvlist_value.values.add(key=key, value=any_value(item))
        return found
    field = {str: "string_value", int: "int_value", float: "double_value", bytes: "bytes_value"}[type(value)]
    return AnyValue(**{field: value})


def make_span(number: int = 1, **attributes: Any) -> Span:
    """Make a good span; attribute names are given with ``__`` for a dot."""
    span = Span(
        trace_id=number.to_bytes(16, "big"),
        span_id=number.to_bytes(8, "big"),
        name="chat",
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=START_NS + number,
        end_time_unix_nano=START_NS + number + 1_000,
    )
    for key, value in attributes.items():
        span.attributes.add(key=key.replace("__", "."), value=any_value(value))
    return span


def make_request(*spans: Span, **resource: Any) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    for key, value in resource.items():
        resource_spans.resource.attributes.add(key=key.replace("__", "."), value=any_value(value))
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name, scope_spans.scope.version = "tollspan", "1.0"
    scope_spans.spans.extend(spans)
    return request


def make_good(first: int, count: int) -> list[Span]:
    return [make_span(number, gen_ai__usage__input_tokens=number) for number in range(first, first + count)]


def pieces_of(body: bytes, encoding: Encoding = "otlp-proto") -> list[Piece]:
    return decode(Batch(1, START_NS, "acme", "10.0.0.7", encoding, body))


@pytest.fixture
def span() -> Callable[..., Span]:
    return make_span


@pytest.fixture
def good() -> Callable[[int, int], list[Span]]:
    return make_good


@pytest.fixture
def request_of() -> Callable[..., ExportTraceServiceRequest]:
    return make_request


@pytest.fixture
def pieces() -> Callable[..., list[Piece]]:
    return pieces_of


@pytest.fixture
def value_of() -> Callable[[Any], AnyValue]:
    return any_value


@pytest.fixture
def resource_spans() -> type[ResourceSpans]:
    return ResourceSpans
