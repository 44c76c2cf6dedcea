"""Writes a protobuf request anew, without content; see ``content``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from tollspan_rater.domain.span import AttributeValue
from tollspan_rater.extract import attributes as catalog
from tollspan_rater.ingest import wire
from tollspan_rater.ingest.limits import MESSAGE_BYTES_MOST, Limits
from tollspan_rater.ingest.messages import (
    AnyValueMessage,
    KeyValueMessage,
    ResourceMessage,
    ScopeMessage,
    SpanMessage,
    ValuesMessage,
)
from tollspan_rater.ingest.protobuf import value_of
from tollspan_rater.ingest.undecodable import MARKER, RAW, PieceError, digest
from tollspan_rater.ingest.values import as_value

_WHOLE = Limits(value_bytes=MESSAGE_BYTES_MOST)  # a reduction sees the value as it was sent
_CONTAINERS = ("array", "map")


def rewritten(cuts: Iterable[wire.Cut], *, content: bool) -> bytes:
    """Write the request again: whole spans in their order, a marker span for every damage.

    With ``content`` false the spans are taken as they are and a marker carries the damaged bytes.
    """
    return b"".join(_group(cut, content) if isinstance(cut, wire.Group) else _damage(cut, content) for cut in cuts)


def _group(group: wire.Group, content: bool) -> bytes:  # noqa: FBT001 - private, one meaning
    resource, scope, spans = group.resource, group.scope, group.spans
    if content:
        resource, scope, spans = _resource(resource), _scope(scope), [_span(raw) for raw in spans]
    inner = [wire.frame(1, scope), *(wire.frame(2, span) for span in spans)]
    return wire.frame(1, wire.frame(1, resource) + wire.frame(2, b"".join(inner)))


def _damage(damage: wire.Damage, content: bool) -> bytes:  # noqa: FBT001 - private, one meaning
    marker = _marker(damage.raw, damage.error, keep=not content)
    return wire.frame(1, wire.frame(2, wire.frame(2, marker)))


def _marker(raw: bytes, error: object, *, keep: bool) -> bytes:
    marks = [_pair(MARKER, digest(raw, error).decode())]
    if keep:
        marks.append(_pair(RAW, raw))
    return bytes(SpanMessage(name=MARKER.encode(), attributes=marks).SerializeToString())


def _span(raw: bytes) -> bytes:
    try:
        message = SpanMessage.FromString(raw)
        return _with_clean_attributes(message)
    except (DecodeError, PieceError) as error:
        return _marker(raw, error, keep=False)


def _resource(raw: bytes) -> bytes:
    """Strip a resource; one that cannot be read stays unreadable, so that its spans are quarantined."""
    try:
        return _with_clean_attributes(ResourceMessage.FromString(raw))
    except (DecodeError, PieceError):
        return b"\x0a"


def _scope(raw: bytes) -> bytes:
    """Strip a scope: its attributes are not declared, so they go."""
    try:
        message = ScopeMessage.FromString(raw)
    except DecodeError:
        return b"\x0a"
    message.DiscardUnknownFields()
    return bytes(message.SerializeToString())


def _with_clean_attributes(message: Any) -> bytes:
    """Write a span or resource with the fields declared in ``messages`` alone, and its attributes stripped."""
    message.DiscardUnknownFields()
    kept = [clean for clean in map(_attribute, message.attributes) if clean is not None]
    del message.attributes[:]
    message.attributes.extend(kept)
    return bytes(message.SerializeToString())


def _attribute(raw: bytes) -> bytes | None:
    """Strip one key and its value, at any depth; None when nothing of it may stay."""
    message = KeyValueMessage.FromString(raw)
    key = message.key.decode(errors="replace")
    if not catalog.is_content(key):
        return _nested(message, raw)
    try:
        value = as_value(catalog.reduced(key, value_of(message.value, key, _WHOLE, _WHOLE.nesting)[0]))
    except (PieceError, DecodeError):
        return None
    return None if value is None else _pair(key, value)


def _nested(message: Any, raw: bytes) -> bytes:
    kind = message.value.WhichOneof("value")
    message.DiscardUnknownFields()
    if kind in _CONTAINERS:
        _strip_container(message.value, kind, _WHOLE.nesting)
        return bytes(message.SerializeToString())
    return raw if not kind else bytes(message.SerializeToString())


def _strip_container(value: Any, kind: str, levels: int) -> None:
    """Strip arrays and maps inside a value; below the depth that is ever read nothing stays."""
    if levels == 0:
        value.ClearField(kind)
        return
    kept: list[bytes] = []
    for part in ValuesMessage.FromString(getattr(value, kind)).values:
        if kind == "map":
            clean = _attribute(part)
            if clean is not None:
                kept.append(clean)
            continue
        item = AnyValueMessage.FromString(part)
        item.DiscardUnknownFields()
        inner = item.WhichOneof("value")
        if inner in _CONTAINERS:
            _strip_container(item, inner, levels - 1)
        kept.append(item.SerializeToString())
    setattr(value, kind, ValuesMessage(values=kept).SerializeToString())


def _pair(key: str, value: AttributeValue) -> bytes:
    return wire.frame(1, key.encode()) + wire.frame(2, _any_value(value).SerializeToString())


def _any_value(value: AttributeValue) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case str():
            return AnyValue(string_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
    written = AnyValue()
    if isinstance(value, list):
        written.array_value.values.extend([_any_value(item) for item in value])
    elif isinstance(value, dict):
        for key, item in value.items():
            written.kvlist_value.values.add(key=key, value=_any_value(item))
    return written
