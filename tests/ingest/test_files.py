"""Every form in which a Collector writes OTLP files."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tollspan_rater.domain.entries import Batch
from tollspan_rater.domain.span import Span
from tollspan_rater.ingest.decode import decode
from tollspan_rater.ingest.event_file import holds_events
from tollspan_rater.ingest.files import read_file, read_stream

LINES = [b'{"resourceSpans": []}', b'{"resourceSpans": [], "a": "b"}']
SHARED = Path(os.environ.get("TOLLSPAN_SHARED_DATA", Path(__file__).parents[2] / "../shared/data")).resolve()


def zst(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def framed(*records: bytes) -> bytes:
    return b"".join(len(record).to_bytes(4, "big") + record for record in records)


JSON_LINES = b"\n".join(LINES) + b"\n"
PROTO = [b"\x0a\x02\x12\x00", b""]

FORMS: dict[str, tuple[bytes, list[tuple[str, bytes]]]] = {
    "lines": (JSON_LINES, [("otlp-json", line) for line in LINES]),
    "no last newline": (JSON_LINES[:-1], [("otlp-json", line) for line in LINES]),
    "blank lines": (b"\n \r\n" + JSON_LINES.replace(b"\n", b"\r\n\r\n"), [("otlp-json", line) for line in LINES]),
    "gzip": (gzip.compress(JSON_LINES), [("otlp-json", line) for line in LINES]),
    "gzip twice": (gzip.compress(LINES[0] + b"\n") + gzip.compress(LINES[1]), [("otlp-json", line) for line in LINES]),
    "zstd": (zst(JSON_LINES), [("otlp-json", line) for line in LINES]),
    "zstd frames": (zst(LINES[0] + b"\n") + zst(LINES[1]), [("otlp-json", line) for line in LINES]),
    "proto": (framed(*PROTO), [("otlp-proto", record) for record in PROTO]),
    "proto gzip": (gzip.compress(framed(*PROTO)), [("otlp-proto", record) for record in PROTO]),
    "proto of zstd records": (framed(zst(PROTO[0])), [("otlp-proto", PROTO[0])]),
    "json of zstd records": (framed(*map(zst, LINES)), [("otlp-json", line) for line in LINES]),
    "proto cut off": (framed(PROTO[0])[:-1], [("otlp-proto", PROTO[0][:-1])]),
    "empty": (b"", []),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_shows_in_its_bytes(form: str, tmp_path: Path) -> None:
    data, expected = FORMS[form]
    path = tmp_path / "no-extension"
    path.write_bytes(data)
    assert list(read_file(path)) == expected


BROKEN: dict[str, tuple[bytes, list[str]]] = {
    "a bad line": (LINES[0] + b"\n{bad\n" + LINES[1], ["otlp-json", "undecodable", "otlp-json"]),
    "a long line": (
        LINES[0] + b'\n{"a": "' + b"x" * 5000 + b'"}\n' + LINES[1],
        ["otlp-json", "undecodable", "otlp-json"],
    ),
    "a long record": (framed(PROTO[0], b"x" * 5000, PROTO[0]), ["otlp-proto", "undecodable", "otlp-proto"]),
    "a bomb": (framed(zst(bytes(1_000_000)), PROTO[0]), ["undecodable", "otlp-proto"]),
    "a broken frame": (framed(zst(b"abc")[:4] + b"\xff" * 20, PROTO[0]), ["undecodable", "otlp-proto"]),
    "a cut frame": (framed(zst(b"abc" * 99))[:-2], ["undecodable"]),
    "a cut length": (framed(PROTO[0]) + b"\x00\x00", ["otlp-proto", "undecodable"]),
    "a cut gzip": (gzip.compress(JSON_LINES + os.urandom(50))[:-20], ["undecodable"]),
    "a broken gzip": (gzip.compress(JSON_LINES)[:14] + b"\xff" * 40, ["undecodable"]),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_cannot_be_read_is_described_and_the_next_follows(case: str, tmp_path: Path) -> None:
    data, expected = BROKEN[case]
    path = tmp_path / "file"
    path.write_bytes(data)
    records = list(read_file(path, most=2000))
    assert [encoding for encoding, _ in records][-len(expected) :] == expected
    for encoding, body in records:
        if encoding == "undecodable":
            assert sorted(json.loads(body)) == ["digest", "error", "size"]


def test_a_skipped_line_has_its_own_digest_and_size(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b'{"a": "' + b"x" * 5000 + b'"}\n')
    ((_, body),) = read_file(path, most=100)
    assert json.loads(body)["size"] == 5010


def test_progress_counts_the_bytes_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(JSON_LINES * 1000))
    heard: list[int] = []
    assert len(list(read_file(path, progress=heard.append))) == 2000
    assert heard == sorted(heard)
    assert heard[-1] == path.stat().st_size


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(JSON_LINES)))
    assert len(list(read_file("-"))) == 2


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(read_file(tmp_path / "none"))


@pytest.mark.shared_data
def test_recorded_dialects_are_read_to_the_last_span() -> None:
    files = sorted(SHARED.glob("dialects/*.otlp.jsonl"))
    if not files:
        pytest.skip(f"no recorded dialects under {SHARED}; set TOLLSPAN_SHARED_DATA")
    for path in files:
        for encoding, body in read_file(path):
            pieces: Any = decode(Batch(1, 1, "acme", "s", encoding, body))
            assert pieces
            assert all(isinstance(piece, Span) for piece in pieces), (path.name, pieces)


@pytest.mark.parametrize("readable", [0, 1])
def test_a_disk_that_fails_is_an_error(readable: int) -> None:
    parts = [LINES[0] + b"\n" for _ in range(readable)]

    class Failing(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            if parts:
                return parts.pop()
            raise OSError(5, "input/output error")

    with pytest.raises(OSError, match="input/output"):
        list(read_stream(Failing(), 1000, lambda _read: None))


@pytest.mark.parametrize(
    ("first_line", "events"),
    [
        (b"id,time,model", True),
        (b"\xef\xbb\xbf id\t,model,x\r\n", True),
        (b"a,b", False),
        (b"\x00\x00\x01\x10\x12x,model,y", False),
        (b"\x00\x00\x01\x10(\xb5/\xfd\x04 x,model,y", False),
    ],
)
def test_a_record_of_a_binary_format_is_no_csv_whatever_stands_in_it(first_line: bytes, *, events: bool) -> None:
    assert holds_events(first_line) is events
