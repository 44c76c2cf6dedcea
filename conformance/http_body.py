"""The body of an HTTP request, whichever way its length is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO


def read_body(headers: Mapping[str, str], stream: BinaryIO) -> bytes:
    """Read a request's body; ``headers`` finds names in any case, as those of ``http.server`` do."""
    if (headers.get("transfer-encoding") or "").lower() != "chunked":
        return stream.read(int(headers.get("content-length") or "0"))
    pieces = []
    while size := int(stream.readline().split(b";")[0], 16):
        pieces.append(stream.read(size))
        stream.readline()
    stream.readline()
    return b"".join(pieces)
