"""Files of usage events: one JSON object a line, or CSV with a header line.

An event without an id gets one of the file's digest and its line, so that the same file read again gives copies.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, Final

import orjson

from tollspan import event_fields
from tollspan.event import Event, EventError
from tollspan.export import spans
from tollspan_rater.domain.entries import Encoding
from tollspan_rater.ingest import cloud_event
from tollspan_rater.ingest.events import read_one
from tollspan_rater.ingest.undecodable import digest

EVENTS_A_REQUEST: Final = 500
_IN_MEMORY: Final = 16 * 1024 * 1024
_CHUNK: Final = 256 * 1024
_TAG: Final = "tags."
_KEY: Final = re.compile(rb'"([A-Za-z_]+)"\s*:')  # of a line that may not have arrived whole
_OTLP: Final = {b"resourceSpans", b"resource_spans", b"resourceMetrics", b"resourceLogs", b"resourceProfiles"}
_EVENT_KEYS: Final = {name.encode() for name in (*event_fields.NAMES, cloud_event.VERSION_KEY)}
_ID_DIGITS: Final = 32
_SPACES: Final = b"\t\r\n"

Record = tuple[Encoding, bytes]
Line = tuple[int, bytes, Any]  # number, as it stands in the file, what it holds


def holds_events(first_line: bytes) -> bool:
    """Tell from its first line whether a file holds usage events: an object with one of their fields, or CSV."""
    line = first_line.strip().removeprefix(b"\xef\xbb\xbf")
    if any(byte < ord(" ") and byte not in _SPACES for byte in line):
        return False  # lengths and tags of a binary format
    if not line.startswith(b"{"):
        return any(cell.strip() in event_fields.NAMES for cell in line.decode("utf-8", "replace").split(","))
    keys = set(_KEY.findall(line))
    return not keys & _OTLP and not keys.isdisjoint(_EVENT_KEYS)


def read_events(stream: BinaryIO) -> Iterator[Record]:
    """Yield a file's events as OTLP requests, and a description of each line that holds none, in their order."""
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        seen = hashlib.sha256()
        while part := stream.read(_CHUNK):
            seen.update(part)
            file.write(part)
        file.seek(0)
        events: list[Event] = []
        for number, raw, document in _lines(file):
            found = _read(document, f"{seen.hexdigest()[:_ID_DIGITS]}:{number}")
            if isinstance(found, EventError):
                yield "undecodable", digest(raw, f"line {number}: {found}")
                continue
            events.append(found)
            if len(events) == EVENTS_A_REQUEST:
                yield "otlp-proto", spans(events)
                events = []
        if events:
            yield "otlp-proto", spans(events)


def _read(document: Any, id_of_line: str) -> Event | EventError:
    if isinstance(document, EventError):
        return document
    if isinstance(document, dict) and not any(document.get(name) for name in _IDS):
        document = {**document, "id": id_of_line}
    try:
        return read_one(document)
    except EventError as error:
        return error


_IDS: Final = tuple(name for name, field in event_fields.NAMES.items() if field.name == "id")


def _lines(file: Any) -> Iterator[Line]:
    start = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    file.seek(0)
    return _json_lines(file) if start.startswith(b"{") else _rows(file)


def _json_lines(file: Any) -> Iterator[Line]:
    for number, raw in enumerate(file, 1):
        line = raw.strip().removeprefix(b"\xef\xbb\xbf")
        if line:
            yield number, raw, _parsed(line)


def _parsed(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return EventError("line", f"is no JSON: {error}", "write one JSON object a line")


def _rows(file: Any) -> Iterator[Line]:
    """Yield the rows of a CSV file; ``tags.NAME`` columns are tags, empty cells are left out."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
    reader = csv.reader(text)
    header = [name.strip() for name in next(reader, [])]
    for row in reader:
        if not row:
            continue
        raw = ",".join(row).encode()
        if len(row) != len(header):
            problem = f"has {len(row)} cells, the header names {len(header)}"
            yield reader.line_num, raw, EventError("line", problem, "quote cells that hold commas")
            continue
        cells = {name: cell for name, cell in zip(header, row, strict=True) if cell}
        tags = {name.removeprefix(_TAG): cells.pop(name) for name in list(cells) if name.startswith(_TAG)}
        yield reader.line_num, raw, {**cells, "tags": tags} if tags else cells
    text.detach()
