"""Frames without objects."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tollspan_rater.ingest import wire
from tollspan_rater.ingest.wire import Damage, Group, cut, exceeds, fields, frame, varint


@given(st.integers(0, 2**64 - 1))
def test_a_number_comes_back(value: int) -> None:
    written, rest = bytearray(), value
    while rest > 0x7F:
        written.append(rest & 0x7F | 0x80)
        rest >>= 7
    written.append(rest)
    assert varint(bytes(written), 0, len(written)) == (value, len(written))


@pytest.mark.parametrize("body", [b"", b"\x80", b"\x80" * 11, b"\xff" * 10])
def test_a_number_that_does_not_end_is_damage(body: bytes) -> None:
    with pytest.raises(wire.MalformedError):
        varint(body, 0, len(body))


@settings(max_examples=50)
@given(st.binary(max_size=400))
def test_a_frame_is_read_back(payload: bytes) -> None:
    body = frame(9, payload)
    assert [(number, body[at:end]) for number, _, at, end in fields(body, 0, len(body))] == [(9, payload)]


def test_groups_keep_order_resource_and_scope() -> None:
    request = ExportTraceServiceRequest()
    expected: list[Group] = []
    for _ in range(3):
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.add(key="a")
        for scope in range(2):
            scope_spans = resource_spans.scope_spans.add()
            scope_spans.scope.name = str(scope)
            scope_spans.spans.add(name="x" * 200)
            scope_spans.spans.add()
            expected.append(
                Group(
                    resource_spans.resource.SerializeToString(),
                    scope_spans.scope.SerializeToString(),
                    [span.SerializeToString() for span in scope_spans.spans],
                )
            )
    assert cut(request.SerializeToString(), 12) == expected


def test_a_resource_behind_its_spans_counts_too() -> None:
    scope_spans = frame(2, frame(2, b"span") + frame(1, b"scope"))
    assert cut(frame(1, scope_spans + frame(1, b"resource")), 9) == [Group(b"resource", b"scope", [b"span"])]


def test_damage_in_one_frame_leaves_the_next() -> None:
    good = frame(1, frame(2, frame(2, b"span")))
    bad = frame(1, frame(2, frame(2, b"first") + b"\x0bxx"))
    assert cut(bad + good, 9) == [
        Group(b"", b"", [b"first"]),
        Damage("wire type 3 at byte 11", b"\x0bxx"),
        Group(b"", b"", [b"span"]),
    ]


def test_every_truncation_is_one_damage() -> None:
    body = frame(1, frame(1, b"resource") + frame(2, frame(1, b"scope") + frame(2, b"one") + frame(2, b"two")))
    for end in range(1, len(body)):
        found = cut(body[:end], 9)
        assert [type(one) for one in found].count(Damage) == 1, end
        assert isinstance(found[-1], Damage)


@pytest.mark.parametrize(("count", "exceeded"), [(0, False), (5, False), (6, True)])
@pytest.mark.parametrize("head", [b"\x4a", b"\xca\x00"])
def test_repeated_fields_are_counted(count: int, exceeded: bool, head: bytes) -> None:
    noise = frame(5, b"\x4a\xca" * 50)
    assert exceeds(noise + (head + b"\x01\x4a") * count, 9, 5) is exceeded


def test_overlong_tags_are_counted_without_any_plain_one() -> None:
    assert exceeds(b"\xca\x00\x01\x41" * 6, 9, 5) is True
    assert exceeds(b"\xca\x00\x01\x41" * 5, 9, 5) is False


def test_counting_stops_at_damage() -> None:
    assert exceeds(b"\x4a\x00\x0b" + b"\x4a" * 50, 9, 5) is False


def test_spans_are_counted_before_they_exist(good: Any, request_of: Any) -> None:
    with pytest.raises(wire.TooManySpansError):
        cut(request_of(*good(1, 3)).SerializeToString(), 2)
