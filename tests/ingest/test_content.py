"""Canaries through every content key, in every place and encoding: none is in what goes to the disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tollspan_rater.domain.entries import Batch
from tollspan_rater.domain.span import Span, Undecodable
from tollspan_rater.extract import attributes as catalog
from tollspan_rater.ingest import wire
from tollspan_rater.ingest.content import strip
from tollspan_rater.ingest.decode import decode
from tollspan_rater.ingest.limits import Limits

CANARY = "CANARY-7d1f"
KEYS = sorted(catalog.CONTENT_KEYS | {f"{prefix}0.content" for prefix in catalog.CONTENT_PREFIXES})
TOKENS = "gen_ai.usage.input_tokens"


def after(body: bytes, encoding: Any = "otlp-proto") -> list[Any]:
    clean = strip(body, encoding)
    return decode(Batch(1, 1, "acme", "s", clean.encoding, clean.body))


def place_attribute(request: ExportTraceServiceRequest, key: str, value: Any) -> None:
    request.resource_spans[0].scope_spans[0].spans[0].attributes.add(key=key, value=value)


def place_resource(request: ExportTraceServiceRequest, key: str, value: Any) -> None:
    request.resource_spans[0].resource.attributes.add(key=key, value=value)


def place_scope(request: ExportTraceServiceRequest, key: str, value: Any) -> None:
    request.resource_spans[0].scope_spans[0].scope.attributes.add(key=key, value=value)


def place_event(request: ExportTraceServiceRequest, key: str, value: Any) -> None:
    request.resource_spans[0].scope_spans[0].spans[1].events.add(name="x").attributes.add(key=key, value=value)


def place_link(request: ExportTraceServiceRequest, key: str, value: Any) -> None:
    request.resource_spans[0].scope_spans[0].spans[1].links.add().attributes.add(key=key, value=value)


def place_nested(request: ExportTraceServiceRequest, key: str, value: Any) -> None:
    outer = request.resource_spans[0].scope_spans[0].spans[0].attributes.add(key="gen_ai.other")
    inner = outer.value.kvlist_value.values.add(key="list").value.array_value.values.add()
    inner.kvlist_value.values.add(key=key, value=value)
    inner.kvlist_value.values.add(key="kept").value.int_value = 5


PLACES = [place_attribute, place_resource, place_scope, place_event, place_link, place_nested]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("value", [CANARY, [CANARY], {"a": {"b": CANARY}}, CANARY.encode()], ids=str)
def test_no_canary_is_kept(place: Any, value: Any, good: Any, request_of: Any, value_of: Any) -> None:
    for key in KEYS:
        request = request_of(*good(1, 3), service__name="app")
        place(request, key, value_of(value))
        request.resource_spans[0].scope_spans[0].spans[0].status.message = CANARY
        clean = strip(request.SerializeToString(), "otlp-proto")
        assert CANARY.encode() not in clean.body, key
        assert clean.pieces == 3, key
        pieces = decode(Batch(1, 1, "acme", "s", clean.encoding, clean.body))
        assert [piece.attributes[TOKENS] for piece in pieces if isinstance(piece, Span)] == [1, 2, 3], key
        assert CANARY not in repr(pieces), key
        # what goes to the disk is still what any protobuf reader takes
        assert len(ExportTraceServiceRequest.FromString(clean.body).resource_spans[0].scope_spans[0].spans) == 3, key


def test_what_is_no_content_survives_the_strip(span: Any, request_of: Any, value_of: Any) -> None:
    one = span(1, gen_ai__a=[1, {"b": "c"}, True], unread="u", **{"input.value": CANARY, TOKENS: 7})
    one.parent_span_id, one.status.code, one.dropped_attributes_count = b"\x01" * 8, 2, 4
    request = request_of(one, service__name="app")
    plain = ExportTraceServiceRequest.FromString(request.SerializeToString())
    del plain.resource_spans[0].scope_spans[0].spans[0].attributes[2]
    assert after(request.SerializeToString()) == after(plain.SerializeToString())
    written = ExportTraceServiceRequest.FromString(strip(request.SerializeToString(), "otlp-proto").body)
    keys = [pair.key for pair in written.resource_spans[0].scope_spans[0].spans[0].attributes]
    assert keys == ["gen_ai.a", "unread", TOKENS]


def test_a_request_without_content_stays_as_it_came(good: Any, request_of: Any) -> None:
    body = request_of(*good(1, 3)).SerializeToString()
    assert strip(body, "otlp-proto").body is body


def test_what_a_reduction_returns_is_kept(span: Any, request_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reduced value goes to the disk and onto the span; the rest of it goes nowhere."""
    reduction = {"id": "chatcmpl-1", "n": 3, "f": 1.5, "ok": True, "raw": b"\x01", "list": ["a", None]}
    monkeypatch.setattr(catalog, "reduced", lambda _key, _value: reduction)
    body = request_of(span(1, output__value="cut " + CANARY)).SerializeToString()
    (piece,) = after(body)
    assert piece.attributes == {"output.value": reduction}
    text = json.dumps(json_request(json_span(1, "output.value", {"stringValue": CANARY})))
    (piece,) = after(text.encode(), "otlp-json")
    assert piece.attributes == {"output.value": reduction}
    assert CANARY.encode() not in strip(text.encode(), "otlp-json").body


def test_broken_text_in_content_costs_nothing(span: Any, good: Any, request_of: Any) -> None:
    """Content that was cut in the middle of a character is the usual case of broken UTF-8."""
    body = request_of(*good(1, 2), span(3, input__value="AAAA", **{TOKENS: 3})).SerializeToString()
    pieces = after(body.replace(b"AAAA", b"AAA\xc3"))
    assert [piece.attributes for piece in pieces] == [{TOKENS: 1}, {TOKENS: 2}, {TOKENS: 3}]


def test_one_bad_span_of_500_with_content_is_kept_as_digest(span: Any, good: Any, request_of: Any) -> None:
    marked = [span(number, input__value=CANARY, **{TOKENS: number}) for number in range(1, 501)]
    body = request_of(*marked).SerializeToString()
    bad = marked[250].SerializeToString()
    damaged = body.replace(bad, b"\x0b" + bad[1:])
    clean = strip(damaged, "otlp-proto")
    pieces = decode(Batch(1, 1, "acme", "s", clean.encoding, clean.body))
    assert CANARY.encode() not in clean.body
    assert [n for n, piece in enumerate(pieces) if isinstance(piece, Undecodable)] == [250]
    assert pieces[250].reason == "undecodable"
    assert json.loads(
        clean.body[clean.body.index(b'{"digest"') : clean.body.index(b"}", clean.body.index(b'{"digest"')) + 1]
    )["size"] == len(bad)
    assert len(pieces) == clean.pieces == 500


def test_a_cut_off_request_with_content_keeps_its_whole_spans(span: Any, request_of: Any) -> None:
    body = request_of(
        *[span(number, input__value=CANARY, tail="x" * 50) for number in range(1, 11)]
    ).SerializeToString()
    for end in range(len(body) - 300, len(body), 7):
        clean = strip(body[:end], "otlp-proto")
        pieces = decode(Batch(1, 1, "acme", "s", clean.encoding, clean.body))
        assert CANARY.encode() not in clean.body
        assert clean.pieces == len(pieces)
        assert isinstance(pieces[-1], Undecodable)
        assert [piece.span_id for piece in pieces[:-1]] == [f"{n:016x}" for n in range(1, len(pieces))]


def test_damage_without_content_keeps_its_bytes(good: Any, request_of: Any) -> None:
    """The journal holds a request that any reader can frame, and the damaged bytes to look at later."""
    body = request_of(*good(1, 3)).SerializeToString() + b"\x0b garbage"
    clean = strip(body, "otlp-proto")
    assert len(ExportTraceServiceRequest.FromString(clean.body).resource_spans) == 2
    pieces = decode(Batch(1, 1, "acme", "s", clean.encoding, clean.body))
    assert [type(piece) for piece in pieces] == [Span, Span, Span, Undecodable]
    assert pieces[-1] == Undecodable("undecodable", f"wire type 3 at byte {len(body) - 9}", b"\x0b garbage")


def test_garbage_with_content_is_a_digest() -> None:
    body = b"\x0b\x0a\x0binput.value" + CANARY.encode()
    clean = strip(body, "otlp-proto")
    assert (clean.encoding, clean.pieces, sorted(json.loads(clean.body))) == (
        "undecodable",
        1,
        ["digest", "error", "size"],
    )


def test_a_resource_that_cannot_be_read_is_not_kept(good: Any, request_of: Any) -> None:
    request = request_of(*good(1, 2))
    resource = wire.frame(1, wire.frame(1, b"input.value") + wire.frame(2, wire.frame(1, CANARY.encode()))) + b"\x0b"
    spans = b"".join(wire.frame(2, span.SerializeToString()) for span in request.resource_spans[0].scope_spans[0].spans)
    clean = strip(wire.frame(1, wire.frame(1, resource) + wire.frame(2, spans)), "otlp-proto")
    assert CANARY.encode() not in clean.body
    pieces = decode(Batch(1, 1, "acme", "s", clean.encoding, clean.body))
    assert [type(piece) for piece in pieces] == [Undecodable] * 2


def overlong(number: int, extra: int) -> bytes:
    """Write a number with idle continuation bytes."""
    return bytes([number | 0x80]) + b"\x80" * extra + b"\x00"


@pytest.mark.parametrize("extra", [0, 1, 4])
def test_a_key_cannot_hide_behind_overlong_numbers(extra: int, good: Any) -> None:
    for key in (name.encode() for name in KEYS):
        for head in (overlong(0x0A, extra) + bytes([len(key)]), b"\x0a" + overlong(len(key), extra)):
            pair = head + key + wire.frame(2, wire.frame(1, CANARY.encode()))
            (span,) = good(1, 1)
            raw = span.SerializeToString() + wire.frame(9, pair)
            clean = strip(wire.frame(1, wire.frame(2, wire.frame(2, raw))), "otlp-proto")
            assert CANARY.encode() not in clean.body, key
            assert clean.pieces == 1, key


@settings(max_examples=100, deadline=None)
@given(at=st.integers(0, 500), bit=st.integers(0, 7))
def test_damage_lets_no_canary_through(at: int, bit: int) -> None:
    """Cut a request with content anywhere and nothing of it stays; flip a bit and every piece is still counted."""
    request = ExportTraceServiceRequest()
    scope_spans = request.resource_spans.add().scope_spans.add()
    for number in range(1, 6):
        span = scope_spans.spans.add(trace_id=bytes([number] * 16), span_id=bytes([number] * 8))
        span.attributes.add(key="input.value").value.string_value = CANARY
        span.attributes.add(key="tail").value.string_value = "x" * 20
    body = request.SerializeToString()
    at %= len(body)
    cut = strip(body[:at], "otlp-proto")
    assert CANARY.encode() not in cut.body
    for clean in (cut, strip(body[:at] + bytes([body[at] ^ 1 << bit]) + body[at + 1 :], "otlp-proto")):
        assert len(decode(Batch(1, 1, "acme", "s", clean.encoding, clean.body))) == clean.pieces


# --- OTLP/JSON ------------------------------------------------------------------------------


def json_span(number: int, key: str, value: Any) -> dict[str, Any]:
    pair = {"key": key, "value": value}
    return {"traceId": f"{number:032x}", "spanId": f"{number:016x}", "attributes": [pair]}


def json_request(*spans: Any, **resource_spans: Any) -> dict[str, Any]:
    return {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}], **resource_spans}]}


def json_places(key: str) -> Iterator[dict[str, Any]]:
    pair = {"key": key, "value": {"stringValue": CANARY}}
    span = json_span(1, TOKENS, {"intValue": "1"})
    yield json_request({**span, "attributes": [*span["attributes"], pair]})
    yield json_request({**span, "events": [{"attributes": [pair]}]})
    yield json_request({**span, "links": [{"attributes": [pair]}]})
    yield json_request(span, resource={"attributes": [pair]})
    yield {"resourceSpans": [{"scopeSpans": [{"scope": {"attributes": [pair]}, "spans": [span]}]}]}
    inner = {"arrayValue": {"values": [{"kvlistValue": {"values": [pair]}}]}}
    yield json_request({**span, "attributes": [*span["attributes"], {"key": "gen_ai.other", "value": inner}]})
    yield json_request({**span, "unknownField": {"a": [pair]}})
    yield {**json_request(span), "unknownField": [pair]}


@pytest.mark.parametrize("hide", [False, True])
def test_no_canary_is_kept_of_json(hide: bool) -> None:
    for key, request in ((name, request) for name in KEYS for request in json_places(name)):
        body = json.dumps(request).encode()
        if hide:
            body = body.replace(key.encode(), f"\\u{ord(key[0]):04x}{key[1:]}".encode())
        clean = strip(body, "otlp-json")
        assert CANARY.encode() not in clean.body, key
        (piece,) = decode(Batch(1, 1, "acme", "s", clean.encoding, clean.body))
        assert piece.attributes[TOKENS] == 1, key


BAD_JSON = [
    {"key": 5, "gen_ai.prompt": CANARY},
    {"key": "gen_ai.x", "value": {"stringValue": 5, "gen_ai.prompt": CANARY}},
    {"key": "gen_ai.prompt", "value": CANARY},
]


@pytest.mark.parametrize("pair", BAD_JSON)
def test_a_bad_json_span_with_content_is_kept_as_digest(pair: Any) -> None:
    bad = {"traceId": f"{1:032x}", "spanId": f"{1:016x}", "attributes": [pair]}
    good = json_span(2, TOKENS, {"intValue": 2})
    clean = strip(json.dumps(json_request(bad, good)).encode(), "otlp-json")
    first, second = decode(Batch(1, 1, "acme", "s", clean.encoding, clean.body))
    assert CANARY.encode() not in clean.body
    assert isinstance(second, Span)
    assert isinstance(first, Span | Undecodable)


def test_broken_json_with_content_is_a_digest() -> None:
    clean = strip(json.dumps(json_request(json_span(1, "gen_ai.prompt", CANARY))).encode()[:-3], "otlp-json")
    assert (clean.encoding, json.loads(clean.body)["error"]) == ("undecodable", json.loads(clean.body)["error"])
    assert CANARY.encode() not in clean.body


def test_broken_json_without_content_stays(good: Any) -> None:
    assert strip(b'{"resourceSpans": [', "otlp-json").body == b'{"resourceSpans": ['


def test_json_nested_beyond_any_message_is_a_digest() -> None:
    deep: Any = {"key": "gen_ai.prompt", "value": CANARY}
    for _ in range(120):
        deep = [deep]
    span = {**json_span(1, TOKENS, {"intValue": 1}), "attributes": [{"key": "other", "value": {"x": deep}}]}
    clean = strip(json.dumps(json_request(span)).encode(), "otlp-json")
    assert clean.encoding == "undecodable"


# --- limits ---------------------------------------------------------------------------------


def test_too_many_spans_are_refused(good: Any, request_of: Any) -> None:
    body = request_of(*good(1, 11)).SerializeToString()
    with pytest.raises(wire.TooManySpansError, match="more than 10 spans"):
        strip(body, "otlp-proto", Limits(spans=10))
    assert strip(body, "otlp-proto", Limits(spans=11)).pieces == 11


@pytest.mark.parametrize("limits", [Limits(spans=2), Limits(json_objects=10)])
def test_too_much_json_is_refused(limits: Limits) -> None:
    body = json.dumps(json_request(*[json_span(n, TOKENS, {"intValue": n}) for n in range(1, 4)])).encode()
    with pytest.raises(wire.TooManySpansError):
        strip(body, "otlp-json", limits)


def test_two_million_empty_spans_are_refused_before_they_exist() -> None:
    spans = b"\x12\x00" * 2_097_000
    body = wire.frame(1, wire.frame(2, spans))
    with pytest.raises(wire.TooManySpansError):
        strip(body, "otlp-proto")


def test_two_million_empty_attributes_cost_one_span(good: Any) -> None:
    raw = good(1, 1)[0].SerializeToString() + b"\x4a\x00" * 2_000_000
    spans = b"".join(wire.frame(2, span) for span in (raw, good(2, 1)[0].SerializeToString()))
    pieces = after(wire.frame(1, wire.frame(2, spans)))
    assert [type(piece) for piece in pieces] == [Undecodable, Span]
    assert pieces[0].reason == "too_many_attributes"


# --- what cannot be read ----------------------------------------------------------------------


def test_a_digest_passes_unchanged() -> None:
    assert strip(b"{}", "undecodable").body == b"{}"


@pytest.mark.parametrize("part", [{"resource": [CANARY]}, {"scope": [CANARY]}])
def test_a_json_context_that_cannot_be_read_is_not_kept(part: Any) -> None:
    request = json_request(json_span(1, "gen_ai.prompt", {"stringValue": CANARY}))
    outer = request["resourceSpans"][0]
    (outer if "resource" in part else outer["scopeSpans"][0]).update(part)
    clean = strip(json.dumps(request).encode(), "otlp-json")
    (piece,) = decode(Batch(1, 1, "acme", "s", clean.encoding, clean.body))
    assert CANARY.encode() not in clean.body
    assert isinstance(piece, Undecodable)


def test_a_scope_that_cannot_be_read_is_not_kept(span: Any) -> None:
    raw = span(1, input__value=CANARY).SerializeToString()
    clean = strip(
        wire.frame(1, wire.frame(2, wire.frame(1, b"\x0b" + CANARY.encode()) + wire.frame(2, raw))), "otlp-proto"
    )
    assert CANARY.encode() not in clean.body
    (piece,) = decode(Batch(1, 1, "acme", "s", clean.encoding, clean.body))
    assert isinstance(piece, Undecodable)


def test_content_whose_value_cannot_be_read_goes(good: Any) -> None:
    """Its bytes are no value, so nothing can be reduced and nothing is kept; the span stays."""
    array = wire.frame(5, wire.frame(1, b"\x0b" + CANARY.encode()))
    pair = wire.frame(1, b"input.value") + wire.frame(2, array)
    raw = good(1, 1)[0].SerializeToString() + wire.frame(9, pair)
    clean = strip(wire.frame(1, wire.frame(2, wire.frame(2, raw))), "otlp-proto")
    assert CANARY.encode() not in clean.body
    (piece,) = decode(Batch(1, 1, "acme", "s", clean.encoding, clean.body))
    assert piece.attributes == {TOKENS: 1}


def test_nested_json_content_whose_value_cannot_be_read_goes() -> None:
    inner = {"kvlistValue": {"values": [{"key": "gen_ai.prompt", "value": [CANARY]}]}}
    span = {**json_span(1, TOKENS, {"intValue": 1}), "attributes": [{"key": "unread", "value": inner}]}
    clean = strip(json.dumps(json_request(span)).encode(), "otlp-json")
    assert CANARY.encode() not in clean.body
    assert clean.pieces == 1


def test_content_below_every_depth_goes(span: Any, request_of: Any, value_of: Any) -> None:
    value: Any = {"gen_ai.prompt": CANARY}
    for _ in range(20):
        value = [value]
    body = request_of(span(1, unread=value_of(value))).SerializeToString()
    assert CANARY.encode() not in strip(body, "otlp-proto").body


def test_a_reduction_may_not_invent_types(span: Any, request_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "reduced", lambda _key, _value: object())
    with pytest.raises(TypeError, match="object"):
        strip(request_of(span(1, input__value="x")).SerializeToString(), "otlp-proto")
