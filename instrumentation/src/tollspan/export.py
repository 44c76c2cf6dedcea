"""Records as an OTLP request: encoded straight to protobuf, so that no sampler or SDK switch can drop money.

An OpenTelemetry SDK in the application may be sampled, disabled (``OTEL_SDK_DISABLED``) or absent; the spans
made here are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from tollspan import semconv
from tollspan.event import Event, scope_spans
from tollspan.record import CallRecord, Record, UnitRecord, Value

SAMPLED_FLAG = 1  # W3C trace flags


def spans(records: Iterable[Record], resource: Mapping[str, str] | None = None) -> bytes:
    """Encode records as one serialized ``ExportTraceServiceRequest``; the same records give the same bytes."""
    listed = list(records)
    events = [record for record in listed if isinstance(record, Event)]
    scope = ScopeSpans(scope=InstrumentationScope(name=semconv.SCOPE_NAME, version=_version()))
    scope.spans.extend(_span(record) for record in listed if not isinstance(record, Event))
    about = Resource(attributes=[_attribute(key, value) for key, value in (resource or {}).items()])
    scopes = [found for found in (scope, scope_spans(events)) if found.spans]
    request = ExportTraceServiceRequest(resource_spans=[ResourceSpans(resource=about, scope_spans=scopes)])
    return request.SerializeToString(deterministic=True)


def _span(record: CallRecord | UnitRecord) -> Span:
    return Span(
        trace_id=bytes.fromhex(record.identity.trace_id),
        span_id=bytes.fromhex(record.identity.span_id),
        parent_span_id=bytes.fromhex(record.identity.parent_id),
        flags=SAMPLED_FLAG if record.identity.trace_sampled else 0,
        name=record.name,
        kind=Span.SPAN_KIND_CLIENT if isinstance(record, CallRecord) else Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=record.start_ns,
        end_time_unix_nano=record.end_ns,
        status=Status(code=Status.STATUS_CODE_ERROR) if record.failed else None,
        attributes=[_attribute(key, value) for key, value in record.attributes().items()],
    )


def _attribute(key: str, value: Value) -> KeyValue:
    return KeyValue(key=key, value=_any(value))


def _any(value: Value) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, tuple):
        return AnyValue(array_value=ArrayValue(values=[_any(item) for item in value]))
    return AnyValue(string_value=value)


def _version() -> str:
    try:
        return version("tollspan")
    except PackageNotFoundError:
        return ""
