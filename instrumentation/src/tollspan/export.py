"""Records as an OTLP request: encoded straight to protobuf, so that no sampler or SDK switch can drop money.

An OpenTelemetry SDK in the application may be sampled, disabled (``OTEL_SDK_DISABLED``) or absent; the spans
made here are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tollspan import event_fields, semconv
from tollspan.event import Event, event_span
from tollspan.frame import EVENT, SPAN, Frame
from tollspan.protobuf import field, fields, span
from tollspan.record import CallRecord, Record, UnitRecord

# Field numbers of opentelemetry/proto/trace/v1/trace.proto.
_RESOURCE_SPANS, _RESOURCE, _SCOPE_SPANS, _SCOPE, _SPANS = 1, 1, 2, 1, 2


def spans(records: Iterable[Record], resource: Mapping[str, str] | None = None) -> bytes:
    """Encode records as one serialized ``ExportTraceServiceRequest``; the same records give the same bytes."""
    return request(encoded_resource(resource or {}), map(encoded, records))


def encoded(record: Record) -> Frame:
    """Encode a record once and for all: whoever sends it, however often, sends these bytes."""
    if isinstance(record, Event):
        return Frame(EVENT, event_span(record))
    return Frame(SPAN, _span(record))


def encoded_resource(resource: Mapping[str, str]) -> bytes:
    """Encode the attributes of a resource."""
    about = [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in resource.items()]
    return Resource(attributes=about).SerializeToString(deterministic=True)


def request(resource: bytes, frames: Iterable[Frame]) -> bytes:
    """Put encoded records of one resource together to a serialized ``ExportTraceServiceRequest``."""
    listed = list(frames)
    body = field(_RESOURCE, resource)
    for kind, scope in _scopes().items():
        found = fields(_SPANS, (frame.payload for frame in listed if frame.kind == kind))
        if found:
            body += field(_SCOPE_SPANS, field(_SCOPE, scope) + found)
    return field(_RESOURCE_SPANS, body)


@cache
def _scopes() -> Mapping[bytes, bytes]:
    found = {
        SPAN: InstrumentationScope(name=semconv.SCOPE_NAME, version=_version()),
        EVENT: InstrumentationScope(name=event_fields.SCOPE_NAME, version=event_fields.VERSION),
    }
    return {kind: scope.SerializeToString(deterministic=True) for kind, scope in found.items()}


def _span(record: CallRecord | UnitRecord) -> bytes:
    identity = record.identity
    return span(
        ids=(identity.trace_id, identity.span_id, identity.parent_id),
        name=record.name,
        kind=Span.SPAN_KIND_CLIENT if isinstance(record, CallRecord) else Span.SPAN_KIND_INTERNAL,
        times_ns=(record.start_ns, record.end_ns),
        attributes=record.attributes(),
        failed=record.failed,
        sampled=identity.trace_sampled,
    )


def _version() -> str:
    try:
        return version("tollspan")
    except PackageNotFoundError:
        return ""
