"""Protobuf's encoding of spans, written directly: a fraction of the time that message objects take, on the call's path.

The generated classes would also take longer to import than everything else here together.
Field numbers: ``opentelemetry/proto/trace/v1/trace.proto``, ``common/v1/common.proto`` and
``resource/v1/resource.proto``; the encoding: https://protobuf.dev/programming-guides/encoding/. The bytes are those of
the generated classes.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Final

Value = str | bool | int | float | tuple[str, ...]

INTERNAL, CLIENT = 1, 3  # SpanKind
_LENGTH_DELIMITED, _LOW_BITS, _MORE = 2, 0x7F, 0x80
_UINT64: Final = (1 << 64) - 1
_READY: Final = 1024
# Tags of Span: its ids, kind, times, attributes, status (an error), flags (sampled); of KeyValue; of AnyValue.
_TRACE_ID, _SPAN_ID, _PARENT_ID, _NAME, _KIND = b"\x0a\x10", b"\x12\x08", b"\x22\x08", b"\x2a", b"\x30"
_TIMES: Final = struct.Struct("<BQBQ")
_START, _END = 0x39, 0x41
_ATTRIBUTE, _ERROR, _SAMPLED = b"\x4a", b"\x7a\x02\x18\x02", b"\x85\x01\x01\x00\x00\x00"
_RESOURCE_ATTRIBUTE = b"\x0a"
_KEY, _VALUE = b"\x0a", b"\x12"
_STRING, _TRUE, _FALSE, _INT, _ARRAY, _ITEM = b"\x0a", b"\x10\x01", b"\x10\x00", b"\x18", b"\x2a", b"\x0a"
_DOUBLE: Final = struct.Struct("<Bd")
_DOUBLE_TAG = 0x21


class _Varints(dict[int, bytes]):
    """Numbers as they are encoded; those that most lengths and counts are lie ready."""

    def __missing__(self, number: int) -> bytes:
        found = bytearray()
        while number > _LOW_BITS:
            found.append(number & _LOW_BITS | _MORE)
            number >>= 7
        found.append(number)
        return bytes(found)


_VARINT: Final = _Varints()
_VARINT.update((number, _VARINT[number]) for number in range(_READY))


def span(
    *,
    ids: tuple[str, str, str],
    name: str,
    kind: int,
    times_ns: tuple[int, int],
    attributes: Mapping[str, Value],
    own: Collection[str] = (),
    first: bytes = b"",
    failed: bool = False,
    sampled: bool = False,
) -> bytes:
    """Encode a span. ``ids`` are trace, span and parent in hex, the last empty for a root; ``kind`` is the enum's.

    ``own`` names attributes whose values hardly ever come again; the others are encoded once and remembered.
    ``first``: attributes that stand before these, encoded.
    """
    trace_id, span_id, parent_id = ids
    parts = [_TRACE_ID, bytes.fromhex(trace_id), _SPAN_ID, bytes.fromhex(span_id)]
    if parent_id:
        parts += (_PARENT_ID, bytes.fromhex(parent_id))
    text, (start_ns, end_ns) = _text(name), times_ns
    parts += (_NAME, _VARINT[len(text)], text, _KIND, _VARINT[kind], _TIMES.pack(_START, start_ns, _END, end_ns), first)
    for key, value in attributes.items():
        parts.append(_attribute(key, value) if key in own else _known_attribute(key, value))
    if failed:
        parts.append(_ERROR)
    if sampled:
        parts.append(_SAMPLED)
    return b"".join(parts)


def attributes(named: Mapping[str, object], values: Iterable[Value | None]) -> bytes:
    """Encode attributes of a span by names and values side by side; what is unknown, or an empty list, is left out."""
    told = zip(named, values, strict=True)
    return b"".join([_attribute(key, value) for key, value in told if value is not None and value != ()])


def field(number: int, payload: bytes) -> bytes:
    """Encode a length-delimited field."""
    return _sized(_VARINT[number << 3 | _LENGTH_DELIMITED], payload)


def fields(number: int, payloads: Iterable[bytes]) -> bytes:
    """Encode a repeated length-delimited field."""
    return b"".join(field(number, payload) for payload in payloads)


def resource(attributes: Mapping[str, str]) -> bytes:
    """Encode a resource."""
    return b"".join(_attribute(key, value, _RESOURCE_ATTRIBUTE) for key, value in attributes.items())


def scope(name: str, version: str) -> bytes:
    """Encode an instrumentation scope."""
    return b"".join(field(number, _text(text)) for number, text in ((1, name), (2, version)) if text)


def _attribute(key: str, value: Value, tag: bytes = _ATTRIBUTE) -> bytes:
    if isinstance(value, str):
        text = value.encode("utf-8", "replace")  # half a surrogate pair must not cost the record
        return _before_text(tag, key, len(text)) + text
    said = _INT + _VARINT[value & _UINT64] if type(value) is int else _any(value)
    return _before(tag, key, len(said)) + said


# Of the attributes of a call three quarters are as they were at the last one. Typed, because True is not 1 here.
_known_attribute: Final = lru_cache(maxsize=512, typed=True)(_attribute)


def _any(value: Value) -> bytes:
    if isinstance(value, str):
        return _sized(_STRING, _text(value))
    if isinstance(value, bool):
        return _TRUE if value else _FALSE
    if isinstance(value, int):
        return _INT + _VARINT[value & _UINT64]
    if isinstance(value, float):
        return _DOUBLE.pack(_DOUBLE_TAG, value)
    return _sized(_ARRAY, b"".join(_sized(_ITEM, _any(item)) for item in value))


@lru_cache(maxsize=1024)
def _before(tag: bytes, key: str, size: int) -> bytes:
    """Return what stands before a value of so many bytes."""
    named = _sized(_KEY, _text(key)) + _VALUE + _VARINT[size]
    return tag + _VARINT[len(named) + size] + named


@lru_cache(maxsize=1024)
def _before_text(tag: bytes, key: str, size: int) -> bytes:
    """Return what stands before a text of so many bytes."""
    said = _STRING + _VARINT[size]
    return _before(tag, key, len(said) + size) + said


def _text(value: str) -> bytes:
    return value.encode("utf-8", "replace")


def _sized(tag: bytes, payload: bytes) -> bytes:
    return b"".join((tag, _VARINT[len(payload)], payload))
