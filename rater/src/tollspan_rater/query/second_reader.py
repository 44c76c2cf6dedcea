"""A second, small reader of OTLP requests that shares no code with the pipeline: it only counts.

It knows OTLP's field numbers and the wire contract's own names, nothing else: no attributes of others, no dialects.
Sources: opentelemetry-proto trace.proto and trace_service.proto (field numbers), the protobuf encoding guide.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

_OWN_SCOPE: Final = "tollspan"
_INPUT, _OUTPUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
_VARINT, _SIZED = 0, 2  # wire types
_FIXED: Final = {1: 8, 5: 4}  # wire type: bytes
_VARINT_BYTES: Final = 10
_CONTAINER: Final = (1, 2, 2)  # the field that holds resource spans, scope spans, spans
_OTHER_SIGNALS: Final = {"resourceMetrics", "resourceLogs", "resourceProfiles"}


class Seen(NamedTuple):
    """A piece of a request: a span with the tokens that tollspan's own instrumentation states in it.

    Damaged bytes, and marks that stand for such bytes, are pieces without ids.
    """

    trace_id: str = ""
    span_id: str = ""
    own: bool = False
    input: int | None = None
    output: int | None = None


DAMAGE: Final = Seen()
_Field = tuple[int | None, int, bytes, bool]  # number, wire type, payload, whether it is whole


def protobuf_pieces(request: bytes) -> list[Seen]:
    """Count the pieces of a protobuf request; damaged bytes of one message are one piece."""
    return list(_level(request, 0))


def _level(message: bytes, depth: int) -> Iterator[Seen]:
    """Yield the pieces of a request (depth 0), of resource spans (1) or of scope spans (2)."""
    last_level = depth == len(_CONTAINER) - 1
    fields = list(_walk(message))
    inner = [
        (value, whole)
        for number, form, value, whole in fields
        if number == _CONTAINER[depth] and form == _SIZED and (whole or not last_level)
    ]
    own = last_level and _is_own(fields)
    for value, whole in inner:
        found = [_span(value, own=own)] if last_level else list(_level(value, depth + 1))
        yield from found
        if not whole and found[-1:] != [DAMAGE]:
            yield DAMAGE
    malformed = any(number is None for number, *_ in fields)
    cut = any(not whole for *_, whole in fields) and all(whole for _, whole in inner)
    if malformed or cut:
        yield DAMAGE
    if depth == 0 and message and not inner and not malformed:  # a request without anything in it is a piece
        yield DAMAGE


def _is_own(fields: Iterable[_Field]) -> bool:
    """Whether the scope among the fields of scope spans is that of tollspan's own instrumentation."""
    scopes = [value for number, form, value, _ in fields if number == 1 and form == _SIZED]
    names = [value for number, _, value, _ in _walk(scopes[-1] if scopes else b"") if number == 1]
    return names[-1:] == [_OWN_SCOPE.encode()]


def _span(message: bytes, *, own: bool) -> Seen:
    ids = {1: "", 2: ""}
    tokens: dict[str, int] = {}
    for number, form, value, _whole in _walk(message):
        if number in ids and form == _SIZED:
            ids[number] = value.hex()
        elif own and number == 9 and form == _SIZED:  # noqa: PLR2004 - attributes
            tokens.update(_tokens(value))
    return Seen(ids[1], ids[2], own, tokens.get(_INPUT), tokens.get(_OUTPUT))


def _tokens(attribute: bytes) -> Iterator[tuple[str, int]]:
    fields = {number: value for number, _, value, _ in _walk(attribute)}
    name = fields.get(1, b"").decode(errors="replace")
    if name in {_INPUT, _OUTPUT}:
        for number, form, value, _whole in _walk(fields.get(2, b"")):
            if number == 3 and form == _VARINT:  # noqa: PLR2004 - int_value
                yield name, int.from_bytes(value, "big")


def _walk(message: bytes) -> Iterator[_Field]:
    """Yield the fields of a message; number None where the bytes are no message.

    The payload of a varint is its value as big-endian bytes.
    """
    at = 0
    while at < len(message):
        tag, start = _varint(message, at)
        number, form = tag >> 3, tag & 7
        value, after = _varint(message, start) if form in {_VARINT, _SIZED} and start else (0, start)
        if not start or not after or not number or form not in {_VARINT, _SIZED, *_FIXED}:
            yield None, 0, b"", False
            return
        if form == _VARINT:
            yield number, form, value.to_bytes(_VARINT_BYTES, "big"), True
            at = after
            continue
        at = after + (value if form == _SIZED else _FIXED[form])
        yield number, form, message[after:at], at <= len(message)


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Return a number and the place after it; place 0 when it does not end."""
    value = 0
    for shift, byte in enumerate(message[at : at + _VARINT_BYTES]):
        value |= (byte & 0x7F) << 7 * shift
        if not byte & 0x80:
            return value, at + shift + 1
    return 0, 0


def json_pieces(body: bytes) -> list[Seen]:
    """Count the pieces of a JSON request; what is no span where one should stand is a piece, too."""
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):  # too deep for a stack is no request either
        return [DAMAGE]
    if not isinstance(request, dict) or _OTHER_SIGNALS & request.keys():
        return [DAMAGE]
    return list(_json_level(request, ("resourceSpans", "scopeSpans", "spans"), own=False))


def _json_level(holder: Any, names: tuple[str, ...], *, own: bool) -> Iterator[Seen]:
    if not isinstance(holder, dict):
        yield DAMAGE
    elif names:
        scope = holder.get("scope")
        own = isinstance(scope, dict) and scope.get("name") == _OWN_SCOPE
        listed = holder.get(names[0])
        for inner in listed if isinstance(listed, list) else [] if listed is None else [listed]:
            yield from _json_level(inner, names[1:], own=own)
    else:
        tokens = dict(_json_tokens(holder)) if own else {}
        trace_id, span_id = (str(holder.get(name) or "").lower() for name in ("traceId", "spanId"))
        yield Seen(trace_id, span_id, own, tokens.get(_INPUT), tokens.get(_OUTPUT))


def _json_tokens(span: dict[str, Any]) -> Iterator[tuple[str, int]]:
    attributes = span.get("attributes")
    for attribute in attributes if isinstance(attributes, list) else []:
        if isinstance(attribute, dict) and attribute.get("key") in {_INPUT, _OUTPUT}:
            value = attribute.get("value")
            if isinstance(value, dict) and str(value.get("intValue", "")).isdecimal():
                yield attribute["key"], int(value["intValue"])
