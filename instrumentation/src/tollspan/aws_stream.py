"""Reads the AWS event stream framing as it passes: binary frames, cut anywhere, into the JSON documents inside.

A frame is a prelude of three big-endian words (length of all, length of the headers, CRC-32 of the two), headers,
payload, and a CRC-32 of all before it (https://smithy.io/2.0/aws/amazon-eventstream.html). Amazon Bedrock sends one
JSON document a frame; of a model's own stream (``InvokeModelWithResponseStream``) in base64.
"""

from __future__ import annotations

import json
import struct
from binascii import a2b_base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from zlib import crc32

from tollspan.answer import Answer
from tollspan.stream import DocumentReader

MAX_FRAME_BYTES = 24 * 1024 * 1024  # what AWS allows

_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
_LENGTH = struct.Struct(">H")
_STRING = 7
_SIZED = frozenset({6, _STRING})  # bytes and strings say how long they are
_FIXED = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}  # true, false, numbers, time, UUID: type -> bytes of value
_WRAPPED = b'{"bytes":"'


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: those of its headers that are strings, and its payload."""

    headers: Mapping[str, str]
    payload: bytes

    def document(self) -> bytes:
        """Return the JSON document inside; of an exception one of the form ``{"type": "error", "error": ...}``."""
        failure = self.headers.get(":exception-type") or self.headers.get(":error-code")
        if failure is not None:
            return json.dumps({"type": "error", "error": {"type": failure}}).encode()
        return _unwrapped(self.payload) if self.headers.get(":event-type") == "chunk" else self.payload


class FrameReader:
    """Cuts bytes into frames; never raises.

    A frame whose payload is damaged is left out. One whose prelude is damaged hides where the next begins: nothing
    is read any more (``lost``).
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self.lost = False

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that are whole now."""
        if self.lost:
            return
        self._rest += data
        at = 0
        try:
            while (size := self._size(at)) is not None and at + size <= len(self._rest):
                if (frame := _frame(bytes(self._rest[at : at + size]))) is not None:
                    yield frame
                at += size
        finally:
            del self._rest[: len(self._rest) if self.lost else at]

    def _size(self, at: int) -> int | None:
        if len(self._rest) - at < _PRELUDE.size:
            return None
        size, headers, crc = _PRELUDE.unpack_from(self._rest, at)
        fits = _PRELUDE.size + headers + _CRC.size <= size <= MAX_FRAME_BYTES
        if not fits or crc != crc32(self._rest[at : at + _PRELUDE.size - _CRC.size]):
            self.lost = True
            return None
        return int(size)


def _frame(data: bytes) -> Frame | None:
    if crc32(data[: -_CRC.size]) != _CRC.unpack_from(data, len(data) - _CRC.size)[0]:
        return None
    begin = _PRELUDE.size + _PRELUDE.unpack_from(data)[1]
    return Frame(_headers(data[_PRELUDE.size : begin]), data[begin : -_CRC.size])


class EventStreamReader(DocumentReader):
    """Reads a document a frame."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self._frames = FrameReader()

    def feed(self, chunk: bytes) -> bool:
        """Read a piece of the body; False, for it is looked into frame by frame."""
        for frame in self._frames.feed(chunk):
            self.take(frame.document())
        return False

    def end(self) -> None:
        """Leave what is no whole frame."""


@lru_cache(maxsize=64)
def _headers(data: bytes) -> Mapping[str, str]:
    """Read headers up to the first that is damaged; the same few blocks come again and again."""
    found = {}
    at = 0
    try:
        while at < len(data):
            name_end = at + 1 + data[at]
            kind, begin = data[name_end], name_end + 1
            if kind in _SIZED:
                begin += _LENGTH.size
                end = begin + _LENGTH.unpack_from(data, name_end + 1)[0]
            else:
                end = begin + _FIXED[kind]
            if kind == _STRING and end <= len(data):
                found[data[at + 1 : name_end].decode()] = data[begin:end].decode()
            at = end
    except (IndexError, KeyError, UnicodeDecodeError, struct.error):
        pass
    return MappingProxyType(found)


def _unwrapped(payload: bytes) -> bytes:
    """Return what a chunk holds: ``{"bytes": "<base64 of a JSON document>"}``; as it is where that fails."""
    try:
        inner = payload[len(_WRAPPED) : payload.index(b'"', len(_WRAPPED))] if payload.startswith(_WRAPPED) else None
        return a2b_base64(json.loads(payload)["bytes"] if inner is None else inner)
    except (ValueError, KeyError, TypeError):
        return payload
