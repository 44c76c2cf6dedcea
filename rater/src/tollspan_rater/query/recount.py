"""Counting again from the journal's bytes, with a reader that shares no code with the pipeline.

It knows the journal's file format, OTLP's field numbers and the wire contract's own names, nothing else: no
decode, no dialects, no settlement. What it counts must equal what the store holds.
Sources: opentelemetry-proto trace.proto (field numbers), docs/reference/journal.md (file format).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import zstandard

_BATCH: Final = 1
_OWN_SCOPE: Final = "tollspan"
_VARINT, _SIZED = 0, 2  # wire types (protobuf encoding)
_FIXED: Final = {1: 8, 5: 4}  # wire type: bytes
_INPUT, _OUTPUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"

Key = tuple[str, str, str]


@dataclass(slots=True)
class Recount:
    """What the journal's bytes say.

    ``first`` maps each span key to the input and output tokens of its first version as tollspan's own
    instrumentation stated them; (None, None) for spans of others. ``unreadable`` counts pieces that this small
    reader cannot read. ``base`` is the last position that left the journal with its day, 0 when none did.
    """

    entries: int = 0
    commands: int = 0
    pieces: int = 0
    unreadable: int = 0
    base: int = 0
    first: dict[Key, tuple[int | None, int | None]] = field(default_factory=dict)


def recount(journal: Path, tenant: str | None) -> Recount:
    """Count all entries of the journal files in a folder, of one tenant or of all."""
    total = Recount()
    for number, path in enumerate(sorted(journal.glob("????-??-??.sqlite"))):
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file:
            if number == 0:
                (total.base,) = file.execute("SELECT base FROM origin").fetchone()
            for kind, owner, form, body in file.execute(
                "SELECT kind, tenant, form, body FROM entry ORDER BY position",
            ):
                if tenant is None or owner == tenant:
                    _count(total, kind, owner, form, body)
    return total


def _count(total: Recount, kind: int, tenant: str, form: str, body: bytes) -> None:
    total.entries += 1
    if kind != _BATCH:
        total.commands += 1
        return
    content = zstandard.decompress(body)
    if form == "undecodable":
        total.pieces += 1
        total.unreadable += 1
        return
    spans = _json_spans(json.loads(content)) if form == "otlp-json" else _proto_spans(content)
    try:
        for trace_id, span_id, usage in spans:
            total.pieces += 1
            total.first.setdefault((tenant, trace_id, span_id), usage)
    except (ValueError, IndexError):
        total.pieces += 1
        total.unreadable += 1


_Found = tuple[str, str, tuple[int | None, int | None]]


def _proto_spans(request: bytes) -> Iterator[_Found]:
    for resource in _fields(request, 1):
        for scoped in _fields(resource, 2):
            names = [text for scope in _fields(scoped, 1) for text in _fields(scope, 1)]
            own = names == [_OWN_SCOPE.encode()]
            for span in _fields(scoped, 2):
                ids = [b"".join(_fields(span, number)).hex() for number in (1, 2)]
                numbers = dict(_integers(span)) if own else {}
                yield ids[0], ids[1], (numbers.get(_INPUT), numbers.get(_OUTPUT))


def _integers(span: bytes) -> Iterator[tuple[str, int]]:
    for attribute in _fields(span, 9):
        name = b"".join(_fields(attribute, 1)).decode(errors="replace")
        if name in {_INPUT, _OUTPUT}:
            for value in _fields(attribute, 2):
                yield from ((name, number) for number in _varints(value, 3))


def _json_spans(request: dict[str, Any]) -> Iterator[_Found]:
    for resource in request.get("resourceSpans", []):
        for scoped in resource.get("scopeSpans", []):
            own = scoped.get("scope", {}).get("name") == _OWN_SCOPE
            for span in scoped.get("spans", []):
                numbers = {
                    attribute["key"]: int(attribute["value"]["intValue"])
                    for attribute in span.get("attributes", [])
                    if own and attribute["key"] in {_INPUT, _OUTPUT} and "intValue" in attribute["value"]
                }
                usage = (numbers.get(_INPUT), numbers.get(_OUTPUT))
                yield span.get("traceId", "").lower(), span.get("spanId", "").lower(), usage


def _fields(message: bytes, wanted: int) -> Iterator[bytes]:
    """Yield the length-delimited fields of a number."""
    return (value for number, value in _walk(message) if number == wanted and isinstance(value, bytes))


def _varints(message: bytes, wanted: int) -> Iterator[int]:
    return (value for number, value in _walk(message) if number == wanted and isinstance(value, int))


def _walk(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, form = tag >> 3, tag & 7
        if form == _VARINT:
            value, at = _varint(message, at)
            yield number, value
        elif form == _SIZED:
            size, at = _varint(message, at)
            if at + size > len(message):
                raise ValueError("a field ends beyond its message")
            yield number, message[at : at + size]
            at += size
        elif form in _FIXED:
            at += _FIXED[form]
        else:
            raise ValueError(f"wire type {form}")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if not byte & 0x80:
            return value, at
        shift += 7
