"""Reads spans out of OTLP/JSON (opentelemetry-proto, specification, "JSON Protobuf Encoding").

Ids are hex in any case, 64-bit numbers are strings or numbers, enums are integers, unknown fields are ignored.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from tollspan_rater.domain.span import AttributeValue, Piece, Span
from tollspan_rater.ingest.limits import Limits
from tollspan_rater.ingest.undecodable import MARKER, RAW, PieceError, described, undecodable
from tollspan_rater.ingest.values import INT64_MOST, ZERO_SPAN, allowed, check_ids, check_times, matters, text

_INTEGER = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})*", re.ASCII)
_OTHER_SIGNALS = ("resourceMetrics", "resourceLogs", "resourceProfiles")


def parse(body: bytes) -> Mapping[str, Any]:
    """Parse a request.

    Raises:
        PieceError: when it is no JSON object of OTLP traces.
    """
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise PieceError("malformed", str(error)) from None
    if not isinstance(request, dict):
        raise PieceError("malformed", "the request is no JSON object")
    other = [key for key in _OTHER_SIGNALS if key in request]
    if other:
        raise PieceError("malformed", f"{other[0]} are no traces")
    return request


def dump(value: Any) -> bytes:
    """Write a part of a request back as JSON."""
    return orjson.dumps(value)


def groups(request: Mapping[str, Any]) -> Iterator[tuple[Any, Any, list[Any]]]:
    """Yield (resource, scope, spans) of each scope; what is no list or object there is yielded as one odd span."""
    for resource_spans in _listed(request, "resourceSpans"):
        if not isinstance(resource_spans, dict):
            yield None, None, [resource_spans]
            continue
        for scope_spans in _listed(resource_spans, "scopeSpans"):
            if isinstance(scope_spans, dict):
                yield resource_spans.get("resource"), scope_spans.get("scope"), _listed(scope_spans, "spans")
            else:
                yield None, None, [scope_spans]


def resource_of(resource: Any, limits: Limits, also: frozenset[str] = frozenset()) -> Mapping[str, AttributeValue]:
    """Read the kept attributes of a resource.

    Raises:
        PieceError: when it cannot be read.
    """
    return _attributes(_object(resource, "resource").get("attributes"), limits, also)[0]


def scope_of(scope: Any) -> tuple[str, str]:
    """Read name and version of a scope.

    Raises:
        PieceError: when it cannot be read.
    """
    found = _object(scope, "scope")
    return _string(found, "name"), _string(found, "version")


def span_of(
    span: Any,
    tenant: str,
    resource: Mapping[str, AttributeValue],
    scope: tuple[str, str],
    limits: Limits,
    also: frozenset[str] = frozenset(),
) -> Piece:
    """Read one span; whatever is wrong with it becomes its piece, never an exception."""
    trace_id = span_id = ""
    try:
        found = _object(span, "span")
        if not found.get("traceId") and found.get("name") == MARKER:
            return _marked(found)
        trace_id, span_id, parent_id = (_hex(found, key) for key in ("traceId", "spanId", "parentSpanId"))
        check_ids(trace_id, span_id, parent_id)
        start, end = _integer(found.get("startTimeUnixNano")), _integer(found.get("endTimeUnixNano"))
        check_times(start, end)
        attributes, cut = _attributes(found.get("attributes"), limits, also)
        return Span(
            tenant=tenant,
            trace_id=trace_id,
            span_id=span_id,
            parent_id="" if parent_id == ZERO_SPAN else parent_id,
            name=_string(found, "name"),
            kind=_integer(found.get("kind")),
            start_ns=start,
            end_ns=end,
            status=_integer(_object(found.get("status"), "status").get("code")),
            scope=scope[0],
            scope_version=scope[1],
            attributes=attributes,
            resource=resource,
            dropped_attributes=_integer(found.get("droppedAttributesCount")) + cut,
        )
    except PieceError as error:
        return undecodable(error.reason, error, dump(span), trace_id=trace_id, span_id=span_id)


def value_of(value: Any, key: str, limits: Limits) -> AttributeValue:
    """Read an AnyValue.

    Raises:
        PieceError: when it is none.
    """
    return _value(value, key, limits, limits.nesting)[0]


def _attributes(listed: Any, limits: Limits, also: frozenset[str]) -> tuple[dict[str, AttributeValue], int]:
    if listed is None:
        return {}, 0
    if not isinstance(listed, list):
        raise PieceError("bad_value", "attributes are no list")
    if len(listed) > limits.attributes:
        raise PieceError("too_many_attributes", f"more than {limits.attributes} attributes")
    attributes: dict[str, AttributeValue] = {}
    cut = 0
    for pair in listed:
        key = _object(pair, "attribute").get("key", "")
        if not isinstance(key, str):
            raise PieceError("bad_value", "the key of an attribute is no text")
        if not matters(key, also):
            continue
        value, less = _value(pair.get("value"), key, limits, limits.nesting)
        value = allowed(key, value)
        cut += less
        if value is not None or less:
            attributes[key] = value
    return attributes, cut


def _value(value: Any, key: str, limits: Limits, levels: int) -> tuple[AttributeValue, int]:
    found = _object(value, key)
    for name, inner in found.items():
        if name in _SCALARS:
            return _SCALARS[name](inner, key, limits)
        if name in ("arrayValue", "kvlistValue"):
            if levels == 0 or len(dump(inner)) > limits.value_bytes:
                return None, 1
            return _container(name, _object(inner, key), key, limits, levels - 1)
    return None, 0


def _container(
    name: str, inner: Mapping[str, Any], key: str, limits: Limits, levels: int
) -> tuple[AttributeValue, int]:
    cut = 0
    items: list[AttributeValue] = []
    members: dict[str, AttributeValue] = {}
    for item in _listed(inner, "values"):
        if name == "arrayValue":
            value, less = _value(item, key, limits, levels)
            items.append(value)
        else:
            pair = _object(item, key)
            member = _string(pair, "key")
            value, less = _value(pair.get("value"), member, limits, levels)
            members[member] = allowed(member, value)
        cut += less
    return (items if name == "arrayValue" else members), cut


def _text_value(value: Any, key: str, limits: Limits) -> tuple[AttributeValue, int]:
    if not isinstance(value, str):
        raise PieceError("bad_value", f"{key}: stringValue is no string")
    return text(value.encode(), key, limits.value_bytes)


def _bool_value(value: Any, key: str, _limits: Limits) -> tuple[AttributeValue, int]:
    if not isinstance(value, bool):
        raise PieceError("bad_value", f"{key}: boolValue is no boolean")
    return value, 0


def _int_value(value: Any, key: str, _limits: Limits) -> tuple[AttributeValue, int]:
    number = _integer(value, key)
    if not -INT64_MOST - 1 <= number <= INT64_MOST:
        raise PieceError("bad_value", f"{key}: intValue has more than 64 bits")
    return number, 0


def _double_value(value: Any, key: str, _limits: Limits) -> tuple[AttributeValue, int]:
    try:
        if not isinstance(value, bool):
            return float(value), 0
    except (TypeError, ValueError, OverflowError):
        pass
    raise PieceError("bad_value", f"{key}: doubleValue is no number")


def _bytes_value(value: Any, key: str, limits: Limits) -> tuple[AttributeValue, int]:
    try:
        raw = base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise PieceError("bad_value", f"{key}: bytesValue is no base64") from None
    return raw[: limits.value_bytes], int(len(raw) > limits.value_bytes)


_SCALARS = {
    "stringValue": _text_value,
    "boolValue": _bool_value,
    "intValue": _int_value,
    "doubleValue": _double_value,
    "bytesValue": _bytes_value,
}


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise PieceError("bad_value", f"{what[:256]} is no object")
    return value


def _listed(container: Mapping[str, Any], key: str) -> list[Any]:
    """Return a list member; something else that stands there is passed on as its only, odd item."""
    value = container.get(key)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _string(container: Mapping[str, Any], key: str) -> str:
    value = container.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise PieceError("bad_value", f"{key} is no text")
    return value


def _hex(container: Mapping[str, Any], key: str) -> str:
    value = _string(container, key)
    if not _HEX.fullmatch(value):
        raise PieceError("bad_id", f"{key} {value[:64]!r} is not hexadecimal")
    return value.lower()


def _integer(value: Any, what: str = "a number") -> int:
    """Read a 64-bit number: a JSON number without a fraction, or its decimal digits as a string."""
    if value is None:
        return 0
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    raise PieceError("bad_value", f"{what[:256]} is {str(value)[:64]!r}, which is no integer")


def _marked(span: Mapping[str, Any]) -> Piece:
    """Read a span that stands for one that could not be read."""
    found: dict[str, Any] = {}
    for pair in _listed(span, "attributes"):
        value = _object(_object(pair, "attribute").get("value"), "value")
        found[_string(pair, "key")] = value.get("stringValue")
    error = described(str(found.get(MARKER))).get("error", "")
    return undecodable("undecodable", error, str(found.get(RAW) or found.get(MARKER)).encode())
