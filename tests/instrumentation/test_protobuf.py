"""Spans encoded directly are, byte for byte, those of the generated classes."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tollspan.protobuf import field, resource, scope, span

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=300)
INTS = st.integers(-(1 << 63), (1 << 63) - 1)
VALUES = TEXTS | st.booleans() | INTS | st.floats(allow_nan=False) | st.lists(TEXTS, max_size=3).map(tuple)
TIMES = st.integers(1, (1 << 64) - 1)


def any_value(value: Any) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, tuple):
        return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))
    return AnyValue(string_value=value)


@given(
    parent=st.sampled_from(["", "0123456789abcdef"]),
    name=TEXTS.filter(bool),
    times=st.tuples(TIMES, TIMES),
    attributes=st.dictionaries(TEXTS.filter(bool), VALUES, max_size=5),
    own=st.booleans(),
    failed=st.booleans(),
    sampled=st.booleans(),
)
def test_equals_the_generated_classes(
    parent: str, name: str, times: tuple[int, int], attributes: dict[str, Any], own: bool, failed: bool, sampled: bool
) -> None:
    written = span(
        ids=("ab" * 16, "cd" * 8, parent),
        name=name,
        kind=3,
        times_ns=times,
        attributes=attributes,
        own=attributes if own else (),
        failed=failed,
        sampled=sampled,
    )
    expected = Span(
        trace_id=b"\xab" * 16,
        span_id=b"\xcd" * 8,
        parent_span_id=bytes.fromhex(parent),
        flags=int(sampled),
        name=name,
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=times[0],
        end_time_unix_nano=times[1],
        status=Status(code=Status.STATUS_CODE_ERROR) if failed else None,
        attributes=[KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()],
    )
    assert written == expected.SerializeToString(deterministic=True)


def test_half_a_surrogate_pair_does_not_cost_the_record() -> None:
    written = span(
        ids=("ab" * 16, "cd" * 8, ""),
        name="chat",
        kind=1,
        times_ns=(1, 2),
        attributes={"a": "x\ud800"},
        failed=False,
        sampled=True,
    )
    assert Span.FromString(written).attributes[0].value.string_value == "x?"


def test_what_is_remembered_of_true_is_not_said_of_one() -> None:
    kinds = [True, 1, 1.0, "1", False, 0, 0.0]
    written = [
        span(ids=("ab" * 16, "cd" * 8, ""), name="a", kind=1, times_ns=(1, 2), attributes={"same": value})
        for value in [*kinds, *kinds]
    ]
    read = [Span.FromString(one).attributes[0].value.WhichOneof("value") for one in written]
    assert read == ["bool_value", "int_value", "double_value", "string_value", *read[4:7]] * 2
    assert read[4:7] == ["bool_value", "int_value", "double_value"]


@given(attributes=st.dictionaries(TEXTS.filter(bool), TEXTS, max_size=5), name=TEXTS, version=TEXTS)
def test_resource_and_scope_equal_the_generated_classes(attributes: dict[str, str], name: str, version: str) -> None:
    listed = [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in attributes.items()]
    assert resource(attributes) == Resource(attributes=listed).SerializeToString()
    assert scope(name, version) == InstrumentationScope(name=name, version=version).SerializeToString()


def test_a_long_field_has_a_long_length() -> None:
    assert field(2, b"a" * 300) == b"\x12\xac\x02" + b"a" * 300
