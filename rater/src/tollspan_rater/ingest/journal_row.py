"""One entry as it lies in the journal: compressed, and with a digest that any flipped bit breaks."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any, cast

import zstandard

from tollspan_rater.domain.entries import Batch, Command, Encoding, Entry, NewBatch, NewEntry

BATCH, COMMAND = 1, 2
_LEVEL = 3


@dataclass(frozen=True, slots=True)
class Row:
    """An entry ready to be written, before it has a position.

    ``origin`` is a batch's sender or a command's actor, ``form`` a batch's encoding or a command's kind,
    ``body`` one zstd frame that states the size of its content.
    """

    kind: int
    at_ns: int
    tenant: str
    origin: str
    form: str
    body: bytes


def pack(entry: NewEntry) -> Row:
    """Compress an entry; all that can be wrong with it shows here, in the caller's thread.

    Raises:
        TypeError: for a command's body that is not JSON.
        UnicodeEncodeError: for a lone surrogate in a name, which no file can hold.
    """
    if isinstance(entry, NewBatch):
        row = Row(BATCH, entry.received_ns, entry.tenant, entry.sender, entry.encoding, _compress(entry.body))
    else:
        body = json.dumps(entry.body, separators=(",", ":"), sort_keys=True, allow_nan=False).encode()
        row = Row(COMMAND, entry.at_ns, entry.tenant, entry.actor, entry.kind, _compress(body))
    f"{row.tenant}{row.origin}{row.form}".encode()
    return row


def with_body(row: Row, body: bytes) -> Row:
    """Return a row with another content."""
    return replace(row, body=_compress(body))


def content_size(row: Row) -> int:
    """Return the bytes of the body once decompressed."""
    return zstandard.frame_content_size(row.body)


def unpack(position: int, row: Row) -> Entry:
    """Turn a row whose digest was checked back into its entry."""
    body = zstandard.decompress(row.body)
    if row.kind == BATCH:
        return Batch(position, row.at_ns, row.tenant, row.origin, cast("Encoding", row.form), body)
    return Command(position, row.at_ns, row.tenant, row.origin, row.form, json.loads(body))


def digest(position: int, row: Row) -> bytes:
    """Return BLAKE2b-128 over the JSON list of position and fields, a newline, and the compressed body.

    Fields of a damaged file may come back with another type; they give another digest, never an error.
    """
    head: list[Any] = [position, row.kind, row.at_ns, row.tenant, row.origin, row.form]
    text = json.dumps(head, separators=(",", ":"), default=repr)
    body = row.body if isinstance(row.body, bytes) else repr(row.body).encode()
    return hashlib.blake2b(text.encode() + b"\n" + body, digest_size=16).digest()


def _compress(body: bytes) -> bytes:
    return zstandard.compress(body, _LEVEL)
