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
_OTHER_SIGNALS: Final = frozenset({"resourceMetrics", "resourceLogs", "resourceProfiles"})
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
    spans = _json_spans(content) if form == "otlp-json" else _proto_spans(content)
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


def _json_spans(content: bytes) -> Iterator[_Found]:
    try:
        request = json.loads(content.decode(), parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(request, dict) or not _OTHER_SIGNALS.isdisjoint(request):
        raise ValueError("no request of traces")
    for resource in _listed(request, "resourceSpans"):
        for scoped in _listed(resource, "scopeSpans", odd=resource):
            scope = scoped.get("scope") if isinstance(scoped, dict) else None
            own = isinstance(scope, dict) and scope.get("name") == _OWN_SCOPE
            for span in _listed(scoped, "spans", odd=scoped):
                about = span if isinstance(span, dict) else {}
                numbers = dict(_json_integers(about)) if own else {}
                ids = [str(about.get(key, "")).lower() for key in ("traceId", "spanId")]
                yield ids[0], ids[1], (numbers.get(_INPUT), numbers.get(_OUTPUT))


def _json_integers(span: dict[str, Any]) -> Iterator[tuple[str, int]]:
    for attribute in _listed(span, "attributes"):
        name = attribute.get("key") if isinstance(attribute, dict) else None
        value = attribute.get("value") if name in (_INPUT, _OUTPUT) else None
        number = str(value.get("intValue")) if isinstance(value, dict) else ""
        if number.removeprefix("-").isdecimal():
            yield str(name), int(number)


def _listed(node: object, name: str, odd: object = None) -> list[Any]:
    """Return a member that is a list; ``[odd]`` for a node that is no object, which counts as one piece."""
    if not isinstance(node, dict):
        return [odd]
    found = node.get(name)
    return [] if found is None else found if isinstance(found, list) else [found]


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


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
