"""Bounded decompression: a bomb costs no more memory than the limit it hits."""

from __future__ import annotations

import zlib

_GZIP = 16 + zlib.MAX_WBITS


class TooLargeError(ValueError):
    """The data is larger than the limit, in bytes, once it is decompressed."""

    def __init__(self, most: int) -> None:
        super().__init__(f"more than {most} bytes after decompression")


def gunzip(packed: bytes, most: int) -> bytes:
    """Decompress gzip, also of several members, up to ``most`` bytes.

    Raises:
        TooLargeError: as soon as the limit is passed.
        ValueError: for bytes that are no gzip, or are cut off.
    """
    parts: list[bytes] = []
    room, rest = most, packed
    while rest:
        member = zlib.decompressobj(_GZIP)
        try:
            part = member.decompress(rest, room + 1)
        except zlib.error as error:
            msg = f"no gzip: {error}"
            raise ValueError(msg) from None
        if len(part) > room:
            raise TooLargeError(most)
        if not member.eof:
            msg = "the gzip data is cut off"
            raise ValueError(msg)
        room -= len(part)
        parts.append(part)
        rest = member.unused_data
    return b"".join(parts)
