"""Protobuf frames without objects: cuts an ExportTraceServiceRequest into the byte slices of its spans.

Only frames are read here (protobuf.dev, "Encoding"): resource_spans is field 1 of the request, resource and
scope_spans are fields 1 and 2 of a ResourceSpans, scope and spans are fields 1 and 2 of a ScopeSpans.
A damaged frame costs what lies behind the damage inside that frame, never what lies before it or in another frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

VARINT, FIXED64, LEN, FIXED32 = 0, 1, 2, 5
VARINT_BYTES_MOST = 10
_FIXED_SIZE = {FIXED64: 8, FIXED32: 4}


class MalformedError(ValueError):
    """Bytes that are no protobuf frame; ``at`` is the offset of the field that cannot be read."""

    def __init__(self, problem: str, at: int) -> None:
        self.at = at
        super().__init__(f"{problem} at byte {at}")


class TooManySpansError(ValueError):
    """A request with more spans than one request may hold."""

    def __init__(self, most: int) -> None:
        super().__init__(f"the request holds more than {most} spans; send smaller batches")


@dataclass(frozen=True, slots=True)
class Group:
    """The spans of one scope of one resource, undecoded, in the order of the request."""

    resource: bytes
    scope: bytes
    spans: list[bytes]


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes in which no whole span could be found, and what is wrong with them."""

    error: str
    raw: bytes


Cut = Group | Damage


def varint(body: bytes, at: int, end: int) -> tuple[int, int]:
    """Read a base-128 number; returns it and the offset behind it."""
    value = shift = 0
    for here in range(at, min(end, at + VARINT_BYTES_MOST)):
        byte = body[here]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the continuation bit
            return value, here + 1
        shift += 7
    raise MalformedError("a number that does not end", at)


def fields(body: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield (field number, wire type, payload start, payload end) of each field between two offsets.

    A payload end beyond ``end`` means that the field is cut off; it is the last one.

    Raises:
        MalformedError: at the first tag or length that is none, and at groups, which OTLP never used.
    """
    while at < end:
        start = at
        tag = body[at]
        at += 1
        if tag >= 0x80:  # noqa: PLR2004 - the continuation bit
            tag, at = varint(body, start, end)
        number, kind = tag >> 3, tag & 7
        if not number:
            raise MalformedError("field number 0", start)
        if kind == LEN:
            if at < end and body[at] < 0x80:  # noqa: PLR2004 - the continuation bit
                size = body[at]
                at += 1
            else:
                size, at = varint(body, at, end)
        elif kind == VARINT:
            size = varint(body, at, end)[1] - at
        elif kind in _FIXED_SIZE:
            size = _FIXED_SIZE[kind]
        else:
            raise MalformedError(f"wire type {kind}", start)
        yield number, kind, at, at + size
        at += size


def frame(number: int, payload: bytes) -> bytes:
    """Write a length-delimited field, for numbers below 16."""
    size, head = len(payload), bytearray([number << 3 | LEN])
    while size > 0x7F:  # noqa: PLR2004 - seven bits a byte
        head.append(size & 0x7F | 0x80)
        size >>= 7
    head.append(size)
    return bytes(head) + payload


def exceeds(message: bytes, number: int, most: int) -> bool:
    """Tell whether a message repeats a length-delimited field below 16 more than ``most`` times.

    Two byte counts at C speed settle nearly every message: the tag's byte, and the byte with which its
    overlong form starts, occur at least as often as the field.
    """
    tag = number << 3 | LEN
    if message.count(tag) + message.count(tag | 0x80) <= most:
        return False
    seen = 0
    try:
        for found, _, _, _ in fields(message, 0, len(message)):
            seen += found == number
            if seen > most:
                return True
    except MalformedError:
        return False  # the one who reads the message finds this too, and says so
    return False


def cut(body: bytes, spans_most: int) -> list[Cut]:
    """Cut a request into groups of span slices and damaged rests, in order.

    Raises:
        TooManySpansError: as soon as one more span than allowed is seen.
    """
    cutter = _Cutter(body, spans_most)
    cutter.request()
    return cutter.found


class _Cutter:
    def __init__(self, body: bytes, spans_most: int) -> None:
        self.body = body
        self.left = self.most = spans_most
        self.found: list[Cut] = []

    def request(self) -> None:
        body, end, seen = self.body, len(self.body), False
        try:
            for number, kind, at, until in fields(body, 0, end):
                if number == 1 and kind == LEN:
                    seen = True
                    self._resource_spans(at, min(until, end))
                if until > end:
                    self._truncated(at, end, containing=number == 1 and kind == LEN)
        except MalformedError as error:
            self.found.append(Damage(str(error), body[error.at :]))
            return
        if end and not seen:
            self.found.append(Damage("no resource_spans in the request", body))

    def _resource_spans(self, at: int, end: int) -> None:
        body, resource = self.body, b""
        scopes: list[tuple[int, int]] = []
        damage: MalformedError | None = None
        try:
            for number, kind, start, until in fields(body, at, end):
                if kind == LEN and number == 1 and until <= end:
                    resource = body[start:until]
                elif kind == LEN and number == 2:  # noqa: PLR2004 - scope_spans
                    scopes.append((start, until))
                elif until > end:
                    raise MalformedError("a field that is cut off", start)  # noqa: TRY301 - one place records damage
        except MalformedError as error:
            damage = error
        for start, until in scopes:
            self._scope_spans(resource, start, min(until, end))
            if until > end:
                self._truncated(start, end, containing=True)
        if damage is not None:
            self.found.append(Damage(str(damage), body[damage.at : end]))

    def _scope_spans(self, resource: bytes, at: int, end: int) -> None:
        body, scope, spans = self.body, b"", []
        damage: MalformedError | None = None
        try:
            for number, kind, start, until in fields(body, at, end):
                if until > end:
                    raise MalformedError("a field that is cut off", start)  # noqa: TRY301 - one place records damage
                if kind != LEN:
                    continue
                if number == 2:  # noqa: PLR2004 - spans
                    self.left -= 1
                    if self.left < 0:
                        raise TooManySpansError(self.most)
                    spans.append(body[start:until])
                elif number == 1:
                    scope = body[start:until]
        except MalformedError as error:
            damage = error
        if spans:
            self.found.append(Group(resource, scope, spans))
        if damage is not None:
            self.found.append(Damage(str(damage), body[damage.at : end]))

    def _truncated(self, at: int, end: int, *, containing: bool) -> None:
        """Record a cut-off frame once: what lies inside a container was already recorded if it is damaged itself."""
        if containing and self.found and isinstance(self.found[-1], Damage):
            return
        self.found.append(Damage(f"a field that is cut off at byte {at}", b"" if containing else self.body[at:end]))
