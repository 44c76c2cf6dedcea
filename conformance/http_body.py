"""The body of an HTTP request, whichever way its length is told."""

from __future__ import annotations

from email.message import Message
from io import BufferedIOBase


def read_body(headers: Message, stream: BufferedIOBase) -> bytes:
    """Read the body of a request that ``http.server`` took in."""
    if (headers.get("transfer-encoding") or "").lower() != "chunked":
        return stream.read(int(headers.get("content-length") or "0"))
    pieces = []
    while size := int(stream.readline().split(b";")[0], 16):
        pieces.append(stream.read(size))
        stream.readline()
    stream.readline()
    return b"".join(pieces)
