"""Every hostile span alone and in a good batch: exactly one piece each, and no neighbour is lost."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from tollspan_rater.domain.entries import Batch
from tollspan_rater.domain.span import Piece, Span, Undecodable
from tollspan_rater.ingest import wire
from tollspan_rater.ingest.decode import decode
from tollspan_rater.ingest.limits import Limits
from tollspan_rater.ingest.protobuf import SpanReader
from tollspan_rater.ingest.wire import frame

KEY = "gen_ai.usage.input_tokens"


def proto(body: bytes) -> list[Piece]:
    return decode(Batch(1, 1, "acme", "s", "otlp-proto", body))


def edited(span: Any, **fields: Any) -> Any:
    for name, value in fields.items():
        setattr(span, name, value)
    return span


def nested(levels: int) -> AnyValue:
    value = AnyValue(string_value="deep")
    for _ in range(levels):
        outer = AnyValue()
        outer.array_value.values.append(value)
        value = outer
    return value


# what is wrong -> (how to make it so, what the span becomes: a reason, or the value that stands under KEY)
CASES: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "string tokens": (lambda make: make(**{KEY: "12"}), "12"),
    "double tokens": (lambda make: make(**{KEY: 12.0}), 12.0),
    "broken tokens": (lambda make: make(**{KEY: 12.5}), 12.5),
    "bool tokens": (lambda make: make(**{KEY: True}), True),
    "array tokens": (lambda make: make(**{KEY: [1, "a", 2.5]}), [1, "a", 2.5]),
    "map tokens": (lambda make: make(**{KEY: {"a": {"b": 1}}}), {"a": {"b": 1}}),
    "bytes tokens": (lambda make: make(**{KEY: b"\xff\x00"}), b"\xff\x00"),
    "missing tokens": (lambda make: make(), None),
    "empty value": (lambda make: make(**{KEY: AnyValue()}), None),
    "negative tokens": (lambda make: make(**{KEY: -5}), -5),
    "zero tokens": (lambda make: make(**{KEY: 0}), 0),
    "2^53+1 tokens": (lambda make: make(**{KEY: 2**53 + 1}), 2**53 + 1),
    "2^63-1 tokens": (lambda make: make(**{KEY: 2**63 - 1}), 2**63 - 1),
    "infinite tokens": (lambda make: make(**{KEY: float("inf")}), float("inf")),
    "1e308 tokens": (lambda make: make(**{KEY: 1e308}), 1e308),
    "empty text": (lambda make: make(**{KEY: ""}), ""),
    "NUL": (lambda make: make(**{KEY: "a\x00b"}), "a\x00b"),
    "right to left": (lambda make: make(**{KEY: "\u202ecba"}), "\u202ecba"),
    "10 MB value": (lambda make: make(**{KEY: "ä" * 5_000_000}), "ä" * 32_768),
    "nesting 16": (lambda make: make(**{KEY: nested(16)}), [[[[[[[[[[[[[[[["deep"]]]]]]]]]]]]]]]]),
    "nesting 20": (lambda make: make(**{KEY: nested(20)}), [[[[[[[[[[[[[[[[None]]]]]]]]]]]]]]]]),
    "nesting 40": (lambda make: make(**{KEY: nested(40)}), [[[[[[[[[[[[[[[[None]]]]]]]]]]]]]]]]),
    "last of a repeated key": (
        lambda make: [
            span := make(**{KEY: 1}),
            span.attributes.add(key=KEY, value=AnyValue(int_value=2)),
        ][0],
        2,
    ),
    "10k attributes": (lambda make: make(**{f"x{n}": n for n in range(10_000)}), "too_many_attributes"),
    "end before start": (lambda make: edited(make(**{KEY: 7}), end_time_unix_nano=1), 7),
    "time zero": (lambda make: edited(make(**{KEY: 7}), start_time_unix_nano=0, end_time_unix_nano=0), 7),
    "year 2262": (lambda make: edited(make(**{KEY: 7}), end_time_unix_nano=2**63 - 1), 7),
    "after 2262": (lambda make: edited(make(), end_time_unix_nano=2**63), "bad_time"),
    "zero trace id": (lambda make: edited(make(), trace_id=bytes(16)), "bad_id"),
    "no trace id": (lambda make: edited(make(), trace_id=b""), "bad_id"),
    "short trace id": (lambda make: edited(make(), trace_id=b"\x01" * 15), "bad_id"),
    "long trace id": (lambda make: edited(make(), trace_id=b"\x01" * 17), "bad_id"),
    "zero span id": (lambda make: edited(make(), span_id=bytes(8)), "bad_id"),
    "short span id": (lambda make: edited(make(), span_id=b"\x01"), "bad_id"),
    "short parent id": (lambda make: edited(make(), parent_span_id=b"\x01"), "bad_id"),
    "zero parent id": (lambda make: edited(make(**{KEY: 7}), parent_span_id=bytes(8)), 7),
    "sampled out": (lambda make: edited(make(**{KEY: 7}), flags=0), 7),
    "error with usage": (lambda make: [span := make(**{KEY: 7}), edited(span.status, code=2)][0], 7),
    "long unread attribute": (lambda make: make(other="x" * 999), None),
    "unread attribute": (lambda make: make(**{"some.other": "x"}), None),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("neighbours", [0, 3])
def test_a_hostile_span_is_one_piece(case: str, neighbours: int, span: Any, good: Any, request_of: Any) -> None:
    build, expected = CASES[case]
    before, after = good(10, neighbours), good(20, neighbours)
    hostile = build(lambda **attributes: span(1, **attributes))
    pieces = proto(request_of(*before, hostile, *after).SerializeToString())
    assert len(pieces) == 2 * neighbours + 1
    middle = pieces.pop(neighbours)
    assert [piece.attributes[KEY] for piece in pieces if isinstance(piece, Span)] == [
        *range(10, 10 + neighbours),
        *range(20, 20 + neighbours),
    ]
    if isinstance(middle, Undecodable):
        assert middle.reason == expected
        assert hostile.SerializeToString() in middle.raw
        assert proto(middle.raw) == [middle]
    else:
        assert middle.attributes.get(KEY) == expected
        assert type(middle.attributes.get(KEY)) is type(expected)
        assert set(middle.attributes) <= {KEY}


def test_nan_and_negative_zero_arrive_as_they_are(span: Any, request_of: Any) -> None:
    (piece,) = proto(request_of(span(1, **{KEY: float("nan"), "gen_ai.x": -0.0})).SerializeToString())
    assert isinstance(piece, Span)
    assert repr(piece.attributes) == f"{{'{KEY}': nan, 'gen_ai.x': -0.0}}"


@pytest.mark.parametrize(
    ("mark", "expected"),
    [(b"BAD-NAME", "invalid_utf8"), (b"BAD-VALUE", "invalid_utf8"), (b"BAD-UNREAD", None), (b"BAD-EVENT", None)],
)
def test_invalid_utf8_in_one_span_of_500(
    mark: bytes, expected: str | None, span: Any, good: Any, request_of: Any
) -> None:
    """Broken text costs the span only where the text is read."""
    bad = span(1, gen_ai__request__model="BAD-VALUE", unread="BAD-UNREAD", **{KEY: 7})
    bad.name = "BAD-NAME"
    bad.events.add(name="BAD-EVENT")
    body = request_of(*good(10, 250), bad, *good(300, 249)).SerializeToString()
    pieces = proto(body.replace(mark, b"\xff" * len(mark)))
    assert len(pieces) == 500
    assert [n for n, piece in enumerate(pieces) if isinstance(piece, Undecodable)] == ([250] if expected else [])
    if expected:
        assert isinstance(pieces[250], Undecodable)
        assert (pieces[250].reason, pieces[250].span_id) == (expected, "0000000000000001")


@pytest.mark.parametrize("part", [b"BAD-RESOURCE", b"BAD-SCOPE"])
def test_spans_without_a_readable_context_are_kept_aside(part: bytes, good: Any, request_of: Any) -> None:
    request = request_of(*good(10, 3), tollspan__customer="BAD-RESOURCE")
    request.resource_spans[0].scope_spans[0].scope.name = "BAD-SCOPE"
    request.resource_spans.extend(request_of(*good(20, 2)).resource_spans)
    pieces = proto(request.SerializeToString().replace(part, b"\xff" * len(part)))
    assert [type(piece) for piece in pieces] == [Undecodable] * 3 + [Span] * 2


def test_everything_of_a_span_is_read(span: Any, request_of: Any) -> None:
    one = span(1, gen_ai__request__model="m", some__other=1)
    one.parent_span_id, one.dropped_attributes_count, one.status.code = b"\xab" * 8, 3, 2
    (piece,) = proto(request_of(one, service__name="app", other=1).SerializeToString())
    assert piece == Span(
        tenant="acme",
        trace_id=f"{1:032x}",
        span_id=f"{1:016x}",
        parent_id="ab" * 8,
        name="chat",
        kind=3,
        start_ns=one.start_time_unix_nano,
        end_ns=one.end_time_unix_nano,
        status=2,
        scope="tollspan",
        scope_version="1.0",
        attributes={"gen_ai.request.model": "m"},
        resource={"service.name": "app"},
        dropped_attributes=3,
    )


def test_what_is_cut_is_counted(span: Any, request_of: Any) -> None:
    (piece,) = proto(
        request_of(span(1, gen_ai__a="x" * 70_000, gen_ai__b=nested(20), gen_ai__c="y")).SerializeToString()
    )
    assert isinstance(piece, Span)
    assert piece.dropped_attributes == 2
    assert piece.attributes["gen_ai.a"] == "x" * 65_536


def test_spans_share_their_resource(good: Any, request_of: Any) -> None:
    pieces = proto(request_of(*good(1, 2), service__name="app").SerializeToString())
    assert isinstance(pieces[0], Span)
    assert isinstance(pieces[1], Span)
    assert pieces[0].resource is pieces[1].resource


@pytest.mark.parametrize(
    "body", [b"hello world", b"\x12\x03abc", b"\x0a\xff", b"\x00", b"\xff" * 20, b"\x0a\x05\x12\x09\x12\x07\x0a"]
)
def test_garbage_is_one_piece(body: bytes) -> None:
    (piece,) = proto(body)
    assert isinstance(piece, Undecodable)


def test_an_empty_request_holds_nothing() -> None:
    assert proto(b"") == []
    assert decode(Batch(1, 1, "acme", "s", "otlp-json", b"{}")) == []


@pytest.mark.parametrize("tail", [b"\x00", b"\x0a", b"\x0a\x7f", b"garbage"])
def test_trailing_bytes_cost_no_span(tail: bytes, good: Any, request_of: Any) -> None:
    pieces = proto(request_of(*good(1, 5)).SerializeToString() + tail)
    assert [type(piece) for piece in pieces] == [Span] * 5 + [Undecodable]


def test_an_undecodable_batch_is_one_piece() -> None:
    body = b'{"digest": "ab", "size": 3, "error": "why"}'
    assert decode(Batch(1, 1, "acme", "s", "undecodable", body)) == [Undecodable("undecodable", "why", body)]


def whole_before(request: ExportTraceServiceRequest, body: bytes, at: int) -> int:
    """Count the spans that end before an offset."""
    found, seen = 0, 0
    for resource_spans in request.resource_spans:
        for span in resource_spans.scope_spans[0].spans:
            seen = body.index(span.SerializeToString(), seen) + span.ByteSize()
            found += seen <= at
    return found


def shared_parts(body: bytes) -> list[tuple[object, object]]:
    """Return for each span the bytes of the resource and scope that it stands under."""
    groups = [cut for cut in wire.cut(body, 1000) if isinstance(cut, wire.Group)]
    return [(group.resource, group.scope) for group in groups for _ in group.spans]


@pytest.fixture(scope="module")
def long_request() -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    number = 0
    for resource in range(3):
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.add(key="service.name", value=AnyValue(string_value=f"app{resource}"))
        scope_spans = resource_spans.scope_spans.add()
        for _ in range(4):
            number += 1
            span = scope_spans.spans.add(
                trace_id=number.to_bytes(16, "big"),
                span_id=number.to_bytes(8, "big"),
                name="chat",
                start_time_unix_nano=5,
            )
            span.attributes.add(key=KEY, value=AnyValue(int_value=number))
            span.attributes.add(key="gen_ai.x", value=nested(3))
    return request


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damage_never_reaches_back(long_request: ExportTraceServiceRequest, data: st.DataObject) -> None:
    """Truncate or flip anywhere: no exception, and the spans wholly before the damage are all there, in order.

    But for a flip that makes a later part claim to be the resource or scope that earlier spans share.
    """
    body = long_request.SerializeToString()
    good = proto(body)
    at = data.draw(st.integers(0, len(body) - 1))
    if data.draw(st.booleans()):
        damaged = body[:at]
    else:
        damaged = body[:at] + bytes([body[at] ^ data.draw(st.integers(1, 255))]) + body[at + 1 :]
    pieces = proto(damaged)
    # A frame that opens before the damage may be the damaged one: it is, where its own length was hit.
    safe = whole_before(long_request, body, at)
    assume(shared_parts(damaged)[:safe] == shared_parts(body)[:safe])
    assert pieces[:safe] == good[:safe]
    assert pieces == proto(damaged)
    if at and len(damaged) < len(body):
        assert len(pieces) >= safe


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_decode_to_pieces(body: bytes) -> None:
    pieces = proto(body)
    assert all(isinstance(piece, Span | Undecodable) for piece in pieces)
    assert bool(pieces) == bool(body) or body.startswith(b"\x0a")


# --- OTLP/JSON ------------------------------------------------------------------------------


def json_pieces(*spans: Any) -> list[Piece]:
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}).encode()
    return decode(Batch(1, 1, "acme", "s", "otlp-json", body))


def json_span(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {"traceId": f"{number:032X}", "spanId": f"{number:016X}", "name": "chat", **fields}


def tokens(**value: Any) -> list[Any]:
    return [{"key": KEY, "value": value}]


def json_nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"stringValue": "deep"}
    for _ in range(levels):
        value = {"arrayValue": {"values": [value]}}
    return value


JSON_CASES: dict[str, tuple[Any, Any]] = {
    "int as string": (json_span(attributes=tokens(intValue="12")), 12),
    "int as number": (json_span(attributes=tokens(intValue=12)), 12),
    "int as whole float": (json_span(attributes=tokens(intValue=12.0)), 12),
    "int with fraction": (json_span(attributes=tokens(intValue=12.5)), "bad_value"),
    "int with words": (json_span(attributes=tokens(intValue="1_2")), "bad_value"),
    "int as bool": (json_span(attributes=tokens(intValue=True)), "bad_value"),
    "int too large": (json_span(attributes=tokens(intValue=str(2**63))), "bad_value"),
    "text": (json_span(attributes=tokens(stringValue="a")), "a"),
    "text as number": (json_span(attributes=tokens(stringValue=5)), "bad_value"),
    "flag": (json_span(attributes=tokens(boolValue=True)), True),
    "flag as text": (json_span(attributes=tokens(boolValue="true")), "bad_value"),
    "double": (json_span(attributes=tokens(doubleValue=1.5)), 1.5),
    "double as text": (json_span(attributes=tokens(doubleValue="Infinity")), float("inf")),
    "double as words": (json_span(attributes=tokens(doubleValue="much")), "bad_value"),
    "bytes": (json_span(attributes=tokens(bytesValue="/wA=")), b"\xff\x00"),
    "bytes as garbage": (json_span(attributes=tokens(bytesValue="ä")), "bad_value"),
    "array": (json_span(attributes=tokens(arrayValue={"values": [{"intValue": "1"}, {}]})), [1, None]),
    "empty array": (json_span(attributes=tokens(arrayValue={})), []),
    "map": (json_span(attributes=tokens(kvlistValue={"values": [{"key": "a", "value": {"intValue": 1}}]})), {"a": 1}),
    "unknown fields": (json_span(attributes=tokens(intValue=1, other=2), strange={"a": 1}), 1),
    "null members": (json_span(attributes=None, status=None, parentSpanId=None, startTimeUnixNano=None), None),
    "enum as name": (json_span(kind="SPAN_KIND_CLIENT"), "bad_value"),
    "time as text": (json_span(startTimeUnixNano="1763000000000000000", attributes=tokens(intValue=1)), 1),
    "negative time": (json_span(startTimeUnixNano=-1), "bad_time"),
    "base64 id": ({**json_span(), "traceId": "AAAAAAAAAAAAAAAAAAAAAQ=="}, "bad_id"),
    "no id": ({"name": "chat"}, "bad_id"),
    "zero id": (json_span(0), "bad_id"),
    "a span that is a number": (5, "bad_value"),
    "attributes that are a map": (json_span(attributes={"a": 1}), "bad_value"),
    "an attribute that is text": (json_span(attributes=["a"]), "bad_value"),
    "an attribute whose key is a number": (json_span(attributes=[{"key": 5}]), "bad_value"),
    "10k attributes": (json_span(attributes=tokens(intValue=1) * 10_000), "too_many_attributes"),
    "a name that is a number": (json_span(name=5), "bad_value"),
    "a long unread value": (json_span(attributes=[{"key": "unread", "value": {"stringValue": "x" * 999}}]), None),
    "nesting 16": (json_span(attributes=tokens(**json_nested(16))), [[[[[[[[[[[[[[[["deep"]]]]]]]]]]]]]]]]),
    "nesting 17": (json_span(attributes=tokens(**json_nested(17))), [[[[[[[[[[[[[[[[None]]]]]]]]]]]]]]]]),
    "a long value": (json_span(attributes=tokens(stringValue="x" * 70_000)), "x" * 65_536),
}


@pytest.mark.parametrize("case", JSON_CASES)
def test_a_json_span_is_one_piece(case: str) -> None:
    hostile, expected = JSON_CASES[case]
    first, middle, last = json_pieces(json_span(10), hostile, json_span(11))
    assert isinstance(first, Span)
    assert isinstance(last, Span)
    assert (first.trace_id, last.span_id) == (f"{10:032x}", f"{11:016x}")
    if isinstance(middle, Undecodable):
        assert middle.reason == expected
        (alone,) = json.loads(middle.raw)["resourceSpans"]
        assert alone["scopeSpans"][0]["spans"] == [hostile]
    else:
        assert middle.attributes.get(KEY) == expected
        assert type(middle.attributes.get(KEY)) is type(expected)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"5",
        b"{",
        b'{"resourceMetrics": []}',
        b'{"resourceSpans": 5}',
        b'{"resourceSpans": [{"scopeSpans": 5}]}',
        b"[" * 5000,
    ],
)
def test_json_that_is_no_request_is_one_piece(body: bytes) -> None:
    (piece,) = decode(Batch(1, 1, "acme", "s", "otlp-json", body))
    assert isinstance(piece, Undecodable)


def test_both_encodings_say_the_same(good: Any, span: Any, request_of: Any) -> None:
    request = request_of(
        *good(1, 3),
        span(9, gen_ai__a=[1, {"b": b"\x00"}], gen_ai__c=1.5, gen_ai__d=True, gen_ai__e={"f": "g"}),
        service__name="app",
    )
    written = MessageToDict(request, use_integers_for_enums=True)
    for one in written["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        number = int.from_bytes(request.resource_spans[0].scope_spans[0].spans[0].span_id, "big")
        assert number == 1
        one["traceId"], one["spanId"] = (base64.b64decode(one[key]).hex() for key in ("traceId", "spanId"))
    body = json.dumps(written).encode()
    assert decode(Batch(1, 1, "acme", "s", "otlp-json", body)) == proto(request.SerializeToString())


def test_limits_are_the_callers(span: Any, request_of: Any) -> None:
    body = request_of(span(1, gen_ai__a="x" * 200, gen_ai__b="y")).SerializeToString()
    (piece,) = decode(Batch(1, 1, "acme", "s", "otlp-proto", body), Limits(attributes=1))
    assert isinstance(piece, Undecodable)
    (piece,) = decode(Batch(1, 1, "acme", "s", "otlp-proto", body), Limits(value_bytes=10))
    assert isinstance(piece, Span)
    assert piece.attributes["gen_ai.a"] == "x" * 10


def test_json_spans_without_a_readable_context_are_kept_aside() -> None:
    request = {"resourceSpans": [{"resource": 5, "scopeSpans": [{"spans": [json_span(1), json_span(2)]}]}]}
    pieces = decode(Batch(1, 1, "acme", "s", "otlp-json", json.dumps(request).encode()))
    assert [type(piece) for piece in pieces] == [Undecodable] * 2
    assert isinstance(pieces[1], Undecodable)
    (kept,) = json.loads(pieces[1].raw)["resourceSpans"]  # a request of its own, so that it can be decoded again
    assert kept["scopeSpans"][0]["spans"] == [json_span(2)]


def test_a_resource_with_too_many_attributes_costs_its_spans(good: Any, request_of: Any) -> None:
    (piece,) = proto(request_of(*good(1, 1), **{f"x{n}": n for n in range(600)}).SerializeToString())
    assert isinstance(piece, Undecodable)
    assert piece.reason == "too_many_attributes"


def test_a_scope_that_is_no_message_costs_its_spans(good: Any) -> None:
    raw = good(1, 1)[0].SerializeToString()
    inner = frame(1, b"\x0b") + frame(2, raw)
    (piece,) = proto(frame(1, frame(2, inner)))
    assert isinstance(piece, Undecodable)
    assert piece.reason == "malformed"
    assert raw in piece.raw


def test_an_attribute_that_is_no_message_costs_its_span(good: Any) -> None:
    raw = good(1, 1)[0].SerializeToString() + b"\x4a\x02\x0b\x0b"
    (piece,) = proto(frame(1, frame(2, frame(2, raw))))
    assert isinstance(piece, Undecodable)
    assert (piece.reason, piece.span_id) == ("malformed", f"{1:016x}")


@settings(max_examples=200, deadline=None)
@given(
    key=st.sampled_from([KEY, "gen_ai.x", "unread", "ä"]),
    value=st.one_of(
        st.integers(-(2**63), 2**63 - 1),
        st.text(max_size=200),
        st.floats(allow_nan=False),
        st.booleans(),
        st.binary(max_size=9),
        st.lists(st.integers(0, 5), max_size=3),
    ),
)
def test_every_value_is_read_as_it_was_written(key: str, value: Any) -> None:
    """The short way for usual attributes and the long way for all others say the same."""
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"\x01" * 16, span_id=b"\x01" * 8)
    pair = span.attributes.add(key=key)
    kind = type(value)
    if kind is list:
        pair.value.array_value.values.extend(AnyValue(int_value=item) for item in value)
        pair.value.array_value.SetInParent()
    else:
        names = {int: "int_value", str: "string_value", float: "double_value", bool: "bool_value", bytes: "bytes_value"}
        setattr(pair.value, names[kind], value)
    for _ in range(2):  # the second time from what is remembered
        (piece,) = proto(request.SerializeToString())
        assert isinstance(piece, Span)
        assert piece.attributes == ({key: value} if key.startswith("gen_ai") else {})
        assert [type(found) for found in piece.attributes.values()] == [kind] * len(piece.attributes)


def test_the_last_member_of_a_value_counts() -> None:
    """A value that holds a text and then a number is the number, as protobuf says of one-ofs."""
    pair = frame(1, KEY.encode()) + frame(2, frame(1, b"12") + b"\x18\x07")
    raw = frame(1, b"\x01" * 16) + frame(2, b"\x01" * 8) + frame(9, pair)
    (piece,) = proto(frame(1, frame(2, frame(2, raw))))
    assert isinstance(piece, Span)
    assert piece.attributes == {KEY: 7}


def test_long_text_that_is_none_costs_its_span(span: Any, request_of: Any) -> None:
    body = request_of(span(1, **{KEY: "a" * 70_000})).SerializeToString()
    (piece,) = proto(body.replace(b"aaaa", b"\xff\xff\xff\xff"))
    assert isinstance(piece, Undecodable)
    assert piece.reason == "invalid_utf8"


def test_what_is_remembered_is_bounded(span: Any, request_of: Any) -> None:
    reader = SpanReader(Limits())
    for number in range(10_000):
        raw = f"gen_ai.{number:05}".encode()
        assert reader._known[b"\x0a\x0c" + raw + b"\x12\x02\x18\x01"]
    assert len(reader._known) <= 8192


def test_a_description_that_is_none_says_so() -> None:
    for body in (b"", b"[]", b"{"):
        assert decode(Batch(1, 1, "acme", "s", "undecodable", body)) == [
            Undecodable("undecodable", "no description was kept", body)
        ]
