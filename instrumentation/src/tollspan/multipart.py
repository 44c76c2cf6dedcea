"""Reads the short texts of a form that is sent with files (RFC 7578): which model, and whether a stream is asked for.

Files are passed over where they lie; nothing of them is copied.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

KIND: Final = "multipart/form-data"
_PARAMETER: Final = re.compile(r';\s*([\w*-]+)=(?:"([^"]*)"|([^\s";]+))\s*(?=;|$)')
_MOST: Final = 64 << 10  # bytes of a text; a longer one is no setting


def texts(content_type: str, body: bytes) -> dict[str, str]:
    """Return the fields of a form that are texts, the last of a name; what is no form has none."""
    boundary = _boundary(content_type)
    found: dict[str, str] = {}
    for start, end in _parts(body, b"--" + boundary) if boundary else ():
        head_end = body.find(b"\r\n\r\n", start, min(end, start + _MOST))
        head = body[start:head_end].decode("utf-8", "replace")
        name = _parameter(head, "name")
        if head_end >= 0 and name and "filename" not in head and end - head_end <= _MOST:
            found[name] = body[head_end + 4 : end].decode("utf-8", "replace")
    return found


def _parts(body: bytes, delimiter: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the parts of a form begin and end."""
    at = body.find(delimiter)
    while at >= 0:
        start = at + len(delimiter)
        at = body.find(b"\r\n" + delimiter, start)
        if at >= 0:
            yield start, at
            at += 2


def _boundary(content_type: str) -> bytes:
    kind, _, rest = content_type.partition(";")
    if kind.strip().lower() != KIND:
        return b""
    for item in rest.split(";"):
        name, _, value = item.strip().partition("=")
        if name.lower() == "boundary":
            return value.strip('"').encode("ascii", "ignore")
    return b""


def _parameter(head: str, name: str) -> str:
    for line in head.splitlines():
        if line.lower().startswith("content-disposition:"):
            for key, quoted, bare in _PARAMETER.findall(line):
                if key == name:
                    return str(quoted or bare)
    return ""
