"""Writes an OTLP/JSON request anew, without content; see ``content``."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from tollspan_rater.domain.span import AttributeValue, Undecodable
from tollspan_rater.extract import attributes as catalog
from tollspan_rater.ingest import otlp_json
from tollspan_rater.ingest.limits import MESSAGE_BYTES_MOST, Limits
from tollspan_rater.ingest.undecodable import MARKER, PieceError, digest
from tollspan_rater.ingest.values import as_value

_LEVELS_MOST = 100  # of JSON; sixteen levels of attribute values are about eighty
_SPAN_FIELDS = (
    "traceId",
    "spanId",
    "parentSpanId",
    "name",
    "kind",
    "startTimeUnixNano",
    "endTimeUnixNano",
    "attributes",
    "droppedAttributesCount",
)


def rewritten(request: Mapping[str, Any], limits: Limits) -> bytes:
    """Write the request again: each span with the fields that are read alone, a marker for one that cannot be read.

    Raises:
        PieceError: nested deeper than any OTLP message is.
    """
    whole = Limits(value_bytes=MESSAGE_BYTES_MOST)
    written = []
    for resource, scope, spans in otlp_json.groups(request):
        written.append(
            {
                "resource": _resource(resource, whole),
                "scopeSpans": [{"scope": _scope(scope), "spans": [_span(span, limits, whole) for span in spans]}],
            },
        )
    return otlp_json.dump({"resourceSpans": written})


def _resource(resource: Any, whole: Limits) -> Any:
    """Strip a resource; one that cannot be read stays unreadable, so that its spans are quarantined."""
    try:
        otlp_json.resource_of(resource, whole)
    except PieceError:
        return "unreadable"
    return {"attributes": _clean((resource or {}).get("attributes") or [], whole, 0)}


def _scope(scope: Any) -> Any:
    try:
        name, version = otlp_json.scope_of(scope)
    except PieceError:
        return "unreadable"
    return {"name": name, "version": version}


def _span(span: Any, limits: Limits, whole: Limits) -> Mapping[str, Any]:
    piece = otlp_json.span_of(span, "", {}, ("", ""), limits)
    if isinstance(piece, Undecodable):
        return _marker(span, piece.error)
    kept = {key: span[key] for key in _SPAN_FIELDS if key in span}
    kept["attributes"] = _clean(span.get("attributes") or [], whole, 0)
    kept["status"] = {"code": (span.get("status") or {}).get("code", 0)}
    return kept


def _marker(span: Any, error: str) -> Mapping[str, Any]:
    described = digest(otlp_json.dump(span), error).decode()
    return {"name": MARKER, "attributes": [{"key": MARKER, "value": {"stringValue": described}}]}


def _clean(value: Any, whole: Limits, level: int) -> Any:
    """Strip every key-value pair inside a list of attributes or a value, at any depth."""
    if level > _LEVELS_MOST:
        raise PieceError("malformed", f"nested deeper than {_LEVELS_MOST} levels")
    if isinstance(value, list):
        cleaned = (_pair_or_value(item, whole, level) for item in value)
        return [item for item in cleaned if item is not None]
    if isinstance(value, dict):
        return {key: _clean(item, whole, level + 1) for key, item in value.items() if not catalog.is_content(key)}
    return value


def _pair_or_value(item: Any, whole: Limits, level: int) -> Any:
    key = item.get("key") if isinstance(item, dict) else None
    if not isinstance(key, str) or not catalog.is_content(key):
        return _clean(item, whole, level + 1)
    try:
        value = as_value(catalog.reduced(key, otlp_json.value_of(item.get("value"), key, whole)))
    except PieceError:
        return None
    return None if value is None else {"key": key, "value": _any_value(value)}


def _any_value(value: AttributeValue) -> Mapping[str, Any]:
    if isinstance(value, list):
        return {"arrayValue": {"values": [_any_value(item) for item in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": [{"key": key, "value": _any_value(item)} for key, item in value.items()]}}
    if isinstance(value, bytes):
        return {"bytesValue": base64.b64encode(value).decode()}
    if isinstance(value, int) and not isinstance(value, bool):
        return {"intValue": str(value)}
    names = {str: "stringValue", bool: "boolValue", float: "doubleValue"}
    return {names[type(value)]: value} if type(value) in names else {}
