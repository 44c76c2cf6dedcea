"""Attribute values: what is kept of them, and how much."""

from __future__ import annotations

import codecs

from tollspan_rater.domain.span import AttributeValue
from tollspan_rater.extract import attributes as catalog
from tollspan_rater.ingest.undecodable import PieceError

INT64_MOST = 2**63 - 1
ZERO_TRACE, ZERO_SPAN = "0" * 32, "0" * 16


def text(raw: bytes, where: str, most: int) -> tuple[str, int]:
    """Decode UTF-8, at most ``most`` bytes of it; returns the text and 1 if it was cut.

    Raises:
        PieceError: ``invalid_utf8``.
    """
    try:
        if len(raw) <= most:
            return raw.decode(), 0
        return codecs.getincrementaldecoder("utf-8")().decode(raw[:most]), 1
    except UnicodeDecodeError as error:
        raise PieceError("invalid_utf8", f"{where}: {error.reason} at byte {error.start}") from None


def matters(key: str, also: frozenset[str] = frozenset()) -> bool:
    """Tell whether anything of an attribute may reach the span: extraction reads it, or a span rule names it."""
    return catalog.is_kept(key) or catalog.is_content(key) or key in also


def allowed(key: str, value: AttributeValue) -> AttributeValue:
    """Return what may stay of a value under this key, at any depth; None when nothing may."""
    if catalog.is_content(key):
        return as_value(catalog.reduced(key, value))
    return value


def as_value(value: object) -> AttributeValue:
    """Narrow what a reduction returned to the types an attribute can have.

    Raises:
        TypeError: for a type that OTLP does not know: a fault in the reduction.
    """
    if value is None or isinstance(value, str | bool | int | float | bytes):
        return value
    if isinstance(value, list | tuple):
        return [as_value(item) for item in value]
    if isinstance(value, dict):
        return {str(key): as_value(item) for key, item in value.items()}
    msg = f"a reduced attribute cannot be a {type(value).__name__}"
    raise TypeError(msg)


def check_ids(trace_id: str, span_id: str, parent_id: str) -> None:
    """Refuse ids that identify nothing; all are lowercase hex.

    Raises:
        PieceError: ``bad_id``.
    """
    if len(trace_id) != len(ZERO_TRACE) or trace_id == ZERO_TRACE:
        raise PieceError("bad_id", f"trace id {trace_id[:64]!r} is not 16 bytes that are not all zero")
    if len(span_id) != len(ZERO_SPAN) or span_id == ZERO_SPAN:
        raise PieceError("bad_id", f"span id {span_id[:64]!r} is not 8 bytes that are not all zero")
    if parent_id and len(parent_id) != len(ZERO_SPAN):
        raise PieceError("bad_id", f"parent span id {parent_id[:64]!r} is not 8 bytes")


def check_times(start_ns: int, end_ns: int) -> None:
    """Refuse times that no column of nanoseconds holds.

    Raises:
        PieceError: ``bad_time``.
    """
    if not (0 <= start_ns <= INT64_MOST and 0 <= end_ns <= INT64_MOST):
        raise PieceError("bad_time", f"start {start_ns} or end {end_ns} is beyond 63 bits of nanoseconds")
