"""Frames: how records lie one after the other in a file, so that damage costs only what it hit.

A frame is a header of 12 bytes (3 bytes of magic, 1 of kind, 4 of length, 4 of CRC-32 of all but itself, big-endian)
and its payload. A process that is killed while it writes leaves the beginning of a frame; a reader looks for the next
one that is whole.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final, NamedTuple

SPAN: Final = b"S"  # an encoded span of a metering record
EVENT: Final = b"E"  # an encoded span of a usage event
RESOURCE: Final = b"R"  # the encoded resource of the frames that follow

_MAGIC: Final = b"\xf5ts"
_HEADER: Final = struct.Struct(">3scI")
_CHECKSUM: Final = struct.Struct(">I")
_BEFORE: Final = _HEADER.size + _CHECKSUM.size


class Frame(NamedTuple):
    """What kind of bytes, and the bytes."""

    kind: bytes
    payload: bytes


class Found(NamedTuple):
    """Whole frames, the number of bytes that they and what was skipped take, and how often something was skipped."""

    frames: tuple[Frame, ...]
    size: int
    damaged: int


def framed(frame: Frame) -> bytes:
    """Return a frame's bytes in a file."""
    kind, payload = frame
    header = _HEADER.pack(_MAGIC, kind, len(payload))
    return header + _checksum(header, payload) + payload


def read_frames(data: bytes, most: int, *, complete: bool) -> Found:
    """Read up to ``most`` frames.

    While a file is still written to, what is not whole is not there yet; in a ``complete`` one it is skipped.
    """
    found: list[Frame] = []
    at = damaged = 0
    while len(found) < most and at < len(data):
        frame = _frame_at(data, at)
        if frame is not None:
            found.append(frame)
            at += _BEFORE + len(frame.payload)
        elif complete:
            damaged += 1
            following = data.find(_MAGIC, at + 1)
            at = len(data) if following < 0 else following
        else:
            break
    return Found(tuple(found), at, damaged)


def _frame_at(data: bytes, at: int) -> Frame | None:
    start = at + _BEFORE
    if start > len(data):
        return None
    magic, kind, length = _HEADER.unpack_from(data, at)
    payload = data[start : start + length]
    if magic != _MAGIC or len(payload) != length:
        return None
    header = data[at : at + _HEADER.size]
    return Frame(kind, payload) if data[at + _HEADER.size : start] == _checksum(header, payload) else None


def _checksum(header: bytes, payload: bytes) -> bytes:
    return _CHECKSUM.pack(zlib.crc32(payload, zlib.crc32(header)))
