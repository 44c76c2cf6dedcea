"""What an answer says was rejected is read as the generated classes read it."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tollspan.partial_success import rejected_spans


@given(rejected=st.integers(0, (1 << 63) - 1), message=st.text(max_size=200))
def test_equals_the_generated_classes(rejected: int, message: str) -> None:
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = rejected
    answer.partial_success.error_message = message
    assert rejected_spans(answer.SerializeToString()) == rejected


@pytest.mark.parametrize("answer", [b"", b"\x0a\x00", b"\x1a\x00", b"\x0a\x02\x12\x00", b"{}", b"\x09" + b"\x01" * 8])
def test_an_answer_that_says_nothing_of_it_rejects_nothing(answer: bytes) -> None:
    assert rejected_spans(answer) == 0


@given(answer=st.binary(max_size=40))
def test_anything_else_ends(answer: bytes) -> None:
    with contextlib.suppress(IndexError):
        assert rejected_spans(answer) >= 0
