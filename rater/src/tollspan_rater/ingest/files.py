"""Files to import: OTLP as the Collector's file exporter writes it, and usage events.

JSON lines; or records with a 4-byte big-endian length before each (``format: proto``, or any format with
``compression: zstd``, where each record is a zstd frame of its own); or usage events (``event_file``). The whole file
may be gzip or zstd on top.
What a file is shows in its first bytes, never in its name.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import orjson
import zstandard

from tollspan_rater.domain.entries import Encoding
from tollspan_rater.ingest.event_file import holds_events, read_events
from tollspan_rater.ingest.limits import MESSAGE_BYTES_MOST
from tollspan_rater.ingest.undecodable import described_as, digest

STDIN = "-"
_GZIP_MAGIC, _ZSTD_MAGIC = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_CHUNK = 256 * 1024
_LENGTH_BYTES = 4
_BROKEN_STREAM = (OSError, EOFError, zlib.error, zstandard.ZstdError)

Record = tuple[Encoding, bytes]


def read_file(
    source: Path | str,
    most: int = MESSAGE_BYTES_MOST,
    progress: Callable[[int], None] = lambda _read: None,
) -> Iterator[Record]:
    """Yield the requests of a file, or of the standard input for ``-``.

    A record that cannot be read, or is longer than ``most`` bytes, is yielded as ``undecodable`` and the next one
    follows. ``progress`` hears how many bytes of the file were read so far, before decompression.

    Raises:
        OSError: when the file cannot be opened or read.
    """
    if str(source) == STDIN:
        yield from read_stream(sys.stdin.buffer, most, progress)
        return
    with Path(source).open("rb") as stream:
        yield from read_stream(stream, most, progress)


def read_stream(stream: BinaryIO, most: int, progress: Callable[[int], None]) -> Iterator[Record]:
    """Yield the requests of an open stream; see ``read_file``."""
    counted: io.BufferedReader = io.BufferedReader(_Counted(stream, progress), _CHUNK)
    plain = _decompressed(counted)
    try:
        head = plain.peek(1)[:1]
        while head and head.isspace():
            plain.read(1)
            head = plain.peek(1)[:1]
        if holds_events(_first_line(plain)):
            yield from read_events(plain)
        else:
            yield from _lines(plain, most) if head == b"{" else _records(plain, most)
    except _BROKEN_STREAM as error:
        if plain is counted:
            raise
        yield "undecodable", digest(b"", f"the compressed file breaks off: {error}")


def _first_line(stream: io.BufferedReader) -> bytes:
    """Look at the first line, as far as it is in the buffer."""
    return stream.peek(_CHUNK).partition(b"\n")[0]


class _Counted(io.RawIOBase):
    """Tells how far a stream has been read."""

    def __init__(self, stream: BinaryIO, progress: Callable[[int], None]) -> None:
        self._stream, self._progress, self._read = stream, progress, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed's Buffer has no length
        part = self._stream.read(len(buffer))
        buffer[: len(part)] = part
        self._read += len(part)
        self._progress(self._read)
        return len(part)


def _decompressed(stream: io.BufferedReader) -> io.BufferedReader:
    head = stream.peek(_LENGTH_BYTES)
    if head.startswith(_GZIP_MAGIC):
        return io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(fileobj=stream)), _CHUNK)
    if head.startswith(_ZSTD_MAGIC):
        reader = zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True)
        return io.BufferedReader(cast("io.RawIOBase", reader), _CHUNK)
    return stream


def _lines(stream: io.BufferedReader, most: int) -> Iterator[Record]:
    while line := stream.readline(most + 1):
        if len(line) > most and not line.endswith(b"\n"):
            yield _skipped(line, iter(lambda: stream.readline(_CHUNK), b""), most)
        elif line.strip():
            yield _json(line.strip())


def _records(stream: io.BufferedReader, most: int) -> Iterator[Record]:
    while prefix := stream.read(_LENGTH_BYTES):
        size = int.from_bytes(prefix, "big")
        if len(prefix) < _LENGTH_BYTES:
            yield "undecodable", digest(prefix, "the length of a record is cut off")
        elif size > most:
            yield _skipped(b"", _chunks(stream, size), most)
        else:
            yield _record(stream.read(size), size, most)


def _record(payload: bytes, size: int, most: int) -> Record:
    if payload.startswith(_ZSTD_MAGIC):
        try:
            with zstandard.ZstdDecompressor().stream_reader(payload, read_across_frames=True) as reader:
                plain = reader.read(most + 1)
        except zstandard.ZstdError as error:
            return "undecodable", digest(payload, error)
        if len(plain) > most or len(payload) < size:
            problem = f"over {most} bytes after decompression" if len(plain) > most else "the record is cut off"
            return "undecodable", digest(payload, problem)
        payload = plain
    return _json(payload) if payload[:1] == b"{" else ("otlp-proto", payload)


def _json(line: bytes) -> Record:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return "undecodable", digest(line, error)
    return "otlp-json", line


def _chunks(stream: io.BufferedReader, size: int) -> Iterator[bytes]:
    while size and (part := stream.read(min(size, _CHUNK))):
        size -= len(part)
        yield part


def _skipped(head: bytes, rest: Iterator[bytes], most: int) -> Record:
    """Read over a record that is too long, keeping its digest; a line ends with its newline."""
    seen, size = hashlib.sha256(head), len(head)
    for part in rest:
        seen.update(part)
        size += len(part)
        if head and part.endswith(b"\n"):
            break
    return "undecodable", described_as(seen.hexdigest(), size, f"longer than {most} bytes")
