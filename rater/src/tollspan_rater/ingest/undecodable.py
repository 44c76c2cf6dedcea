"""Pieces that are no span: their reasons, and the forms in which the journal keeps them without content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import orjson

from tollspan_rater.domain.span import Undecodable

Reason = Literal[
    "malformed",  # the bytes are no OTLP message
    "invalid_utf8",  # text that is read is no text
    "bad_id",  # a trace, span or parent id that is missing, zero or of the wrong length
    "bad_time",  # a time beyond 64 signed bits of nanoseconds
    "bad_value",  # an attribute or field whose value has not the type it claims
    "too_many_attributes",
    "undecodable",  # seen at reception, kept as digest, size and error only
]

MARKER = "tollspan.undecodable"  # name of the span and key of the attribute that stand for damaged bytes
RAW = "tollspan.undecodable.raw"  # the damaged bytes, when they hold no content


class PieceError(ValueError):
    """A span cannot be read; ``reason`` is one of Reason."""

    def __init__(self, reason: Reason, error: str) -> None:
        self.reason: Reason = reason
        super().__init__(error)


def undecodable(reason: Reason, error: object, raw: bytes, *, trace_id: str = "", span_id: str = "") -> Undecodable:
    """Make the piece for bytes that are no span."""
    return Undecodable(reason=reason, error=str(error), raw=raw, trace_id=trace_id, span_id=span_id)


def digest(raw: bytes, error: object) -> bytes:
    """Describe bytes that may hold content, as JSON: sha256 ``digest``, ``size`` and ``error``."""
    return described_as(hashlib.sha256(raw).hexdigest(), len(raw), error)


def described_as(sha256: str, size: int, error: object) -> bytes:
    """Write such a description from its parts."""
    return orjson.dumps({"digest": sha256, "size": size, "error": str(error)})


def described(text: bytes | str) -> Mapping[str, Any]:
    """Read back what ``digest`` wrote; anything else gives a description that says so."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    return found if isinstance(found, dict) else {"error": "no description was kept"}
