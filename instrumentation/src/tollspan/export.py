"""Records as an OTLP request: encoded straight to protobuf, so that no sampler or SDK switch can drop money.

An OpenTelemetry SDK in the application may be sampled, disabled (``OTEL_SDK_DISABLED``) or absent; the spans
made here are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Final

from tollspan import protobuf, semconv
from tollspan.frame import EVENT, SPAN, Frame
from tollspan.protobuf import CLIENT, INTERNAL, Value, field, fields
from tollspan.record import LASTING, OWN, CallRecord, Record, UnitRecord, lasting_of, own_of

# Field numbers of opentelemetry/proto/trace/v1/trace.proto.
_RESOURCE_SPANS, _RESOURCE, _SCOPE_SPANS, _SCOPE, _SPANS = 1, 1, 2, 1, 2
_OWN_OF_UNITS: Final = frozenset({semconv.RECORD_ID, semconv.SEQ, semconv.QUANTITY})


def spans(records: Iterable[Record], resource: Mapping[str, str] | None = None) -> bytes:
    """Encode records as one serialized ``ExportTraceServiceRequest``; the same records give the same bytes."""
    return request(encoded_resource(resource or {}), map(encoded, records))


def encoded(record: Record) -> Frame:
    """Encode a record once and for all: whoever sends it, however often, sends these bytes."""
    if isinstance(record, CallRecord):
        return Frame(SPAN, _call(record))
    return Frame(SPAN, _unit(record)) if isinstance(record, UnitRecord) else Frame(EVENT, record.span())


def encoded_resource(resource: Mapping[str, str]) -> bytes:
    """Encode the attributes of a resource."""
    return protobuf.resource(resource)


def request(resource: bytes, frames: Iterable[Frame]) -> bytes:
    """Put encoded records of one resource together to a serialized ``ExportTraceServiceRequest``."""
    listed = list(frames)
    body = field(_RESOURCE, resource)
    for kind in (SPAN, EVENT):
        found = fields(_SPANS, (frame.payload for frame in listed if frame.kind == kind))
        if found:
            body += field(_SCOPE_SPANS, field(_SCOPE, _scope(kind)) + found)
    return field(_RESOURCE_SPANS, body)


@cache
def _scope(kind: bytes) -> bytes:
    if kind == SPAN:
        return protobuf.scope(semconv.SCOPE_NAME, _version())
    from tollspan import event_fields  # noqa: PLC0415 - most applications tell no events

    return protobuf.scope(event_fields.SCOPE_NAME, event_fields.VERSION)


def _call(record: CallRecord) -> bytes:
    identity = record.identity
    return protobuf.span(
        ids=(identity.trace_id, identity.span_id, identity.parent_id),
        name=record.name,
        kind=CLIENT,
        times_ns=(record.start_ns, record.end_ns),
        first=_lasting(lasting_of(record)) + protobuf.attributes(OWN, own_of(record)),
        attributes=record.attribution.attributes(),
        failed=record.failed,
        sampled=identity.trace_sampled,
    )


def _unit(record: UnitRecord) -> bytes:
    identity = record.identity
    return protobuf.span(
        ids=(identity.trace_id, identity.span_id, identity.parent_id),
        name=record.name,
        kind=INTERNAL,
        times_ns=(record.start_ns, record.end_ns),
        attributes=record.attributes(),
        own=_OWN_OF_UNITS,
        sampled=identity.trace_sampled,
    )


@lru_cache(maxsize=512)
def _lasting(values: tuple[Value | None, ...]) -> bytes:
    return protobuf.attributes(LASTING, values)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - a fifth of the time of importing us

    try:
        return version("tollspan")
    except PackageNotFoundError:
        return ""
