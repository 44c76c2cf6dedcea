"""Reads single spans, resources and scopes out of their protobuf slices; the hot path of the rater.

Each attribute is touched once: small ones are looked up whole, as bytes, in a table of what they mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from operator import attrgetter
from typing import Any

from google.protobuf.message import DecodeError

from tollspan_rater.domain.span import AttributeValue, Piece
from tollspan_rater.extract import attributes as catalog
from tollspan_rater.extract.draft import new_span
from tollspan_rater.ingest import wire
from tollspan_rater.ingest.limits import Limits
from tollspan_rater.ingest.messages import (
    AnyValueMessage,
    KeyValueMessage,
    ResourceMessage,
    ScopeMessage,
    SpanMessage,
    ValuesMessage,
)
from tollspan_rater.ingest.undecodable import MARKER, RAW, PieceError, described, undecodable
from tollspan_rater.ingest.values import (
    INT64_MOST,
    ZERO_SPAN,
    allowed,
    check_ids,
    check_times,
    matters,
    text,
)

ATTRIBUTES_FIELD_OF_SPAN, ATTRIBUTES_FIELD_OF_RESOURCE = 9, 1
_CACHED_BYTES_MOST = 56  # longer attributes are mostly ids and texts, which are seldom seen twice
_CACHED_ATTRIBUTES = 8192
_USUAL_BYTES_MOST = 127  # lengths beyond take two bytes
_NAME_BYTES_MOST = 4096
_KEY_TAG, _VALUE_TAG, _TEXT_TAG, _INTEGER_TAG = 0x0A, 0x12, 0x0A, 0x18  # of KeyValue, and of AnyValue in it
_SHORTEST = 6  # tags, lengths and one byte of value, with an empty key
_ONE_BYTE_MOST = 127

_Kept = tuple[str, AttributeValue]  # plain values, so that the garbage collector leaves it alone
_NOTHING: _Kept = ("", None)  # no attribute that is kept has an empty name
_SPAN = attrgetter(
    "trace_id", "span_id", "parent_span_id", "name", "kind", "start", "end", "status", "dropped_attributes",
    "attributes",
)  # fmt: skip


class _Attributes(dict[bytes, _Kept]):
    """What attributes mean by their bytes; one that is not known is read, and counted in ``cut`` if it was cut."""

    def __init__(self, limits: Limits, also: frozenset[str]) -> None:
        super().__init__()
        self.cut = 0
        self._limits = limits
        self._also = also
        self._short = min(_USUAL_BYTES_MOST, limits.value_bytes)

    def __missing__(self, raw: bytes) -> _Kept:
        kept = _usual_attribute(raw, self._also) if len(raw) <= self._short else None
        if kept is None:
            kept, cut = self._any_attribute(raw)
            if cut:
                self.cut += cut
                return kept
        if len(raw) <= _CACHED_BYTES_MOST:
            if len(self) >= _CACHED_ATTRIBUTES:
                self.clear()
            self[raw] = kept
        return kept

    def _any_attribute(self, raw: bytes) -> tuple[_Kept, int]:
        message = KeyValueMessage.FromString(raw)
        key = message.key.decode(errors="replace")  # no key that is kept is broken UTF-8
        if not matters(key, self._also):
            return _NOTHING, 0
        value, cut = value_of(message.value, key, self._limits, self._limits.nesting)
        value = allowed(key, value)
        return (_NOTHING if value is None and not cut else (key, value)), cut


class SpanReader:
    """Turns slices into pieces; one object per set of limits and further keys, so that its table means one thing."""

    def __init__(self, limits: Limits, also: frozenset[str] = frozenset()) -> None:
        self._limits = limits
        self._known = _Attributes(limits, also)

    def resource(self, raw: bytes) -> Mapping[str, AttributeValue]:
        """Read the kept attributes of a resource.

        Raises:
            PieceError: when it cannot be read; its spans may not be attributed without it.
        """
        if wire.exceeds(raw, ATTRIBUTES_FIELD_OF_RESOURCE, self._limits.attributes):
            raise PieceError("too_many_attributes", f"the resource has more than {self._limits.attributes} attributes")
        try:
            return self._attributes(ResourceMessage.FromString(raw).attributes)[0]
        except DecodeError as error:
            raise PieceError("malformed", f"the resource: {error}") from None

    def scope(self, raw: bytes) -> tuple[str, str]:
        """Read name and version of an instrumentation scope.

        Raises:
            PieceError: when it cannot be read; what its spans mean depends on it.
        """
        try:
            message = ScopeMessage.FromString(raw)
        except DecodeError as error:
            raise PieceError("malformed", f"the scope: {error}") from None
        return _name(message.name), _name(message.version)

    def span(
        self, raw: bytes, tenant: str, resource: Mapping[str, AttributeValue], scope: str, scope_version: str
    ) -> Piece:
        """Read one span; whatever is wrong with it becomes its piece, never an exception."""
        limits = self._limits
        if len(raw) > 2 * limits.attributes and wire.exceeds(raw, ATTRIBUTES_FIELD_OF_SPAN, limits.attributes):
            return undecodable("too_many_attributes", f"the span has more than {limits.attributes} attributes", raw)
        try:
            message = SpanMessage.FromString(raw)
        except DecodeError as error:
            return undecodable("malformed", error, raw)
        trace, span, parent, name, kind, start, end, status, dropped, raws = _SPAN(message)
        trace_id, span_id, parent_id = trace.hex(), span.hex(), parent.hex()
        if parent_id == ZERO_SPAN:
            parent_id = ""
        if not trace_id and name == MARKER.encode():
            return _marked(message, raw)
        try:
            check_ids(trace_id, span_id, parent_id)
            if start > INT64_MOST or end > INT64_MOST:
                check_times(start, end)
            attributes, cut = self._attributes(raws)
            return new_span(
                tenant, trace_id, span_id, parent_id, _name(name), kind, start, end, status.code, scope,
                scope_version, attributes, resource, dropped + cut,
            )  # fmt: skip
        except PieceError as error:
            return undecodable(error.reason, error, raw, trace_id=trace_id, span_id=span_id)
        except DecodeError as error:
            return undecodable("malformed", f"an attribute: {error}", raw, trace_id=trace_id, span_id=span_id)

    def _attributes(self, raws: Any) -> tuple[dict[str, AttributeValue], int]:
        known = self._known
        known.cut = 0
        attributes = dict(map(known.__getitem__, raws))
        attributes.pop("", None)
        return attributes, known.cut


@lru_cache(maxsize=8192)
def _kept_key(raw: bytes, also: frozenset[str]) -> str | None:
    """Return the name of an attribute whose value is kept as it is, "" for one that is not, None to look closer."""
    key = raw.decode(errors="replace")
    if catalog.is_content(key):
        return None
    return key if catalog.is_kept(key) or key in also else ""


def _usual_attribute(raw: bytes, also: frozenset[str]) -> _Kept | None:
    """Read the bytes that nearly every short attribute consists of: key, then one text or one number.

    Three times as fast as a message object; None for every other form, which is left to ``_any_attribute``.
    """
    size = len(raw)
    if size < _SHORTEST or raw[0] != _KEY_TAG or raw[1] + _SHORTEST > size:
        return None
    value = 2 + raw[1]
    if raw[value] != _VALUE_TAG or raw[value + 1] != size - value - 2:
        return None
    key = _kept_key(raw[2:value], also)
    if not key:
        return None if key is None else _NOTHING
    kind, first = raw[value + 2], raw[value + 3]
    found: _Kept | None = None
    try:
        if kind == _TEXT_TAG and first == size - value - 4:
            found = key, raw[value + 4 :].decode()
        elif kind == _INTEGER_TAG:
            if first <= _ONE_BYTE_MOST:
                number, end = first, value + 4
            elif size == value + 5 and raw[value + 4] <= _ONE_BYTE_MOST:  # the size of most token counts
                number, end = first & _ONE_BYTE_MOST | raw[value + 4] << 7, size
            else:
                number, end = wire.varint(raw, value + 3, size)
            if end == size and number <= INT64_MOST:
                found = key, number
    except (UnicodeDecodeError, wire.MalformedError):
        return None
    return found


def value_of(message: Any, where: str, limits: Limits, levels: int) -> tuple[AttributeValue, int]:
    """Read an AnyValue; returns the value and how many values in it were cut.

    Raises:
        PieceError: text that is no UTF-8.
        DecodeError: a nested value that is no message.
    """
    kind = message.WhichOneof("value")
    if kind is None:
        return None, 0
    raw = getattr(message, kind)
    if kind == "text":
        return text(raw, where, limits.value_bytes)
    if kind == "binary":
        return raw[: limits.value_bytes], int(len(raw) > limits.value_bytes)
    if kind == "array" or kind == "map":  # noqa: PLR1714 - a set is built for each of millions
        if levels == 0 or len(raw) > limits.value_bytes:
            return None, 1
        return _container(kind, raw, where, limits, levels - 1)
    return raw, 0


def _container(kind: str, raw: bytes, where: str, limits: Limits, levels: int) -> tuple[AttributeValue, int]:
    cut = 0
    items: list[AttributeValue] = []
    members: dict[str, AttributeValue] = {}
    for part in ValuesMessage.FromString(raw).values:
        if kind == "array":
            value, less = value_of(AnyValueMessage.FromString(part), where, limits, levels)
            items.append(value)
        else:
            member = KeyValueMessage.FromString(part)
            key, _ = text(member.key, where, limits.value_bytes)
            value, less = value_of(member.value, key, limits, levels)
            members[key] = allowed(key, value)
        cut += less
    return (items if kind == "array" else members), cut


def _name(raw: bytes) -> str:
    return _known_name(raw) if len(raw) <= _USUAL_BYTES_MOST else text(raw, "a name", _NAME_BYTES_MOST)[0]


@lru_cache(maxsize=4096)
def _known_name(raw: bytes) -> str:
    return text(raw, "a name", _NAME_BYTES_MOST)[0]


def _marked(message: Any, raw: bytes) -> Piece:
    """Read a span that stands for damaged bytes."""
    found: dict[bytes, bytes] = {}
    for part in message.attributes:
        pair = KeyValueMessage.FromString(part)
        found[pair.key] = pair.value.text or pair.value.binary
    error = described(found.get(MARKER.encode(), b"")).get("error", "")
    return undecodable("undecodable", error, found.get(RAW.encode(), raw))
