"""One span as the rater sees it: identity, place in its trace, and the attributes that matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

AttributeValue = str | bool | int | float | bytes | list["AttributeValue"] | dict[str, "AttributeValue"] | None

OK, ERROR = 1, 2  # OTLP status codes; 0 is unset
INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 1, 2, 3, 4, 5  # OTLP span kinds

FAR_FUTURE_NS = 10 * 60 * 1_000_000_000  # a span further ahead of its reception is quarantined


@dataclass(frozen=True, slots=True)
class Span:
    """A decoded span.

    ``trace_id`` and ``span_id`` are lowercase hex (32 and 16 digits), ``parent_id`` is empty for a root.
    Times are nanoseconds since the epoch. ``attributes`` and ``resource`` hold only keys that the
    extraction reads; content never gets here. ``resource`` is shared by the spans of one resource.
    """

    tenant: str
    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: int
    start_ns: int
    end_ns: int
    status: int
    scope: str
    scope_version: str
    attributes: Mapping[str, AttributeValue]
    resource: Mapping[str, AttributeValue] = field(default_factory=dict)
    dropped_attributes: int = 0


@dataclass(frozen=True, slots=True)
class Undecodable:
    """A piece of a batch that is no span: why, and the bytes (content-free) to look at later."""

    reason: str
    error: str
    raw: bytes
    trace_id: str = ""
    span_id: str = ""


Piece = Span | Undecodable
