"""The AWS event stream: any cut gives the same documents, damage costs what is damaged and never raises."""

from __future__ import annotations

import json
import struct
from base64 import b64encode
from typing import Any
from zlib import crc32

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given, settings
from hypothesis import strategies as st

from tollspan.aws_stream import MAX_FRAME_BYTES, Frame, FrameReader

DOCUMENT = {"usage": {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}}


def header(name: str, kind: int, value: bytes) -> bytes:
    return bytes([len(name)]) + name.encode() + bytes([kind]) + value


def text(name: str, value: str) -> bytes:
    return header(name, 7, struct.pack(">H", len(value.encode())) + value.encode())


def framed(headers: bytes, payload: bytes) -> bytes:
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    body = prelude + struct.pack(">I", crc32(prelude)) + headers + payload
    return body + struct.pack(">I", crc32(body))


def event(kind: str, document: Any) -> bytes:
    headers = text(":event-type", kind) + text(":content-type", "application/json") + text(":message-type", "event")
    return framed(headers, json.dumps(document, separators=(",", ":")).encode())


def chunk(document: Any) -> bytes:
    return event("chunk", {"bytes": b64encode(json.dumps(document).encode()).decode(), "p": "abc"})


def failure(kind: str) -> bytes:
    return framed(text(":exception-type", kind) + text(":message-type", "exception"), b'{"message":"no"}')


def read(data: bytes, cuts: list[int] | None = None) -> list[Frame]:
    reader, begin, found = FrameReader(), 0, []
    for end in sorted({cut % (len(data) + 1) for cut in cuts or []} | {len(data)}):
        found += reader.feed(data[begin:end])
        begin = end
    return found


@pytest.mark.parametrize(
    ("frame", "document"),
    [
        (event("metadata", DOCUMENT), DOCUMENT),
        (chunk(DOCUMENT), DOCUMENT),
        (event("chunk", {"p": "abc", "bytes": b64encode(json.dumps(DOCUMENT).encode()).decode()}), DOCUMENT),
        (event("chunk", {"other": 1}), {"other": 1}),
        (event("chunk", [1]), [1]),
        (failure("throttlingException"), {"type": "error", "error": {"type": "throttlingException"}}),
        (
            framed(text(":message-type", "error") + text(":error-code", "Broken"), b""),
            {"type": "error", "error": {"type": "Broken"}},
        ),
    ],
    ids=["event", "chunk", "chunk in another order", "chunk without bytes", "no object", "exception", "error"],
)
def test_a_frame_holds_a_document(frame: bytes, document: Any) -> None:
    (found,) = read(frame)
    assert json.loads(found.document()) == document


def test_headers_of_every_type_are_passed_over() -> None:
    sizes = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
    others = b"".join(header(f"h{kind}", kind, bytes(size)) for kind, size in sizes.items())
    (found,) = read(framed(others + header("b", 6, b"\x00\x02ab") + text(":event-type", "metadata"), b"{}"))
    assert found.headers == {":event-type": "metadata"}


@pytest.mark.parametrize("headers", [b"\xff", b"\x01a\x2a", text("a", "b")[:-1], header("a", 7, b"\x00\x01\xff")])
def test_damaged_headers_leave_the_payload(headers: bytes) -> None:
    (found,) = read(framed(headers, b"{}"))
    assert (found.headers, found.payload) == ({}, b"{}")


frames = st.lists(
    st.one_of(
        st.builds(
            event,
            st.sampled_from(["metadata", "contentBlockDelta"]),
            st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
        ),
        st.builds(chunk, st.dictionaries(st.text(max_size=5), st.integers(), max_size=3)),
        st.builds(failure, st.sampled_from(["modelStreamErrorException", "x"])),
    ),
    max_size=6,
)


@given(frames, st.lists(st.integers(0), max_size=12))
@settings(max_examples=80, deadline=None)
def test_any_cut_gives_the_same_frames_as_botocore_reads(parts: list[bytes], cuts: list[int]) -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(b"".join(parts))
    expected = [Frame(message.headers, message.payload) for message in buffer]
    assert read(b"".join(parts), cuts) == expected
    assert len(expected) == len(parts)


@given(frames.filter(bool), st.integers(0), st.integers(1, 255), st.lists(st.integers(0), max_size=6))
@settings(max_examples=80, deadline=None)
def test_a_damaged_byte_costs_its_own_frame_or_what_follows(
    parts: list[bytes], where: int, flip: int, cuts: list[int]
) -> None:
    data = bytearray(b"".join(parts))
    where %= len(data)
    data[where] ^= flip
    hit = next(number for number in range(len(parts)) if where < sum(map(len, parts[: number + 1])))
    whole = read(b"".join(parts))
    found = read(bytes(data), cuts)
    in_prelude = where - sum(map(len, parts[:hit])) < 12
    assert found == (whole[:hit] if in_prelude else whole[:hit] + whole[hit + 1 :])


@given(st.binary(max_size=200), st.lists(st.integers(0), max_size=6))
@settings(max_examples=100, deadline=None)
def test_noise_never_raises(data: bytes, cuts: list[int]) -> None:
    read(data, cuts)


def test_what_cannot_be_a_frame_ends_the_reading_and_frees_the_memory() -> None:
    prelude = struct.pack(">II", MAX_FRAME_BYTES + 1, 0)
    reader = FrameReader()
    assert list(reader.feed(prelude + struct.pack(">I", crc32(prelude)) + b"x" * 100)) == []
    assert (reader.lost, list(reader.feed(event("metadata", DOCUMENT))), len(reader._rest)) == (True, [], 0)
