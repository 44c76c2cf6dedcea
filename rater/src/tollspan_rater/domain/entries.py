"""What the journal holds: batches of spans and commands, in one sequence of positions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Encoding = Literal["otlp-proto", "otlp-json", "undecodable"]


@dataclass(frozen=True, slots=True)
class Batch:
    """One received request. ``body`` is the request without content, decompressed.

    Encoding ``undecodable``: the body is JSON with ``digest``, ``size`` and ``error`` of bytes that could not
    be decoded and may hold content; such a batch is one quarantined piece.
    """

    position: int
    received_ns: int
    tenant: str
    sender: str
    encoding: Encoding
    body: bytes


@dataclass(frozen=True, slots=True)
class Command:
    """One act that changes answers: ``kind`` is e.g. ``customer.set``; ``body`` is a JSON object."""

    position: int
    at_ns: int
    tenant: str
    actor: str
    kind: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A batch before it has a position."""

    received_ns: int
    tenant: str
    sender: str
    encoding: Encoding
    body: bytes


@dataclass(frozen=True, slots=True)
class NewCommand:
    """A command before it has a position."""

    at_ns: int
    tenant: str
    actor: str
    kind: str
    body: Mapping[str, Any]


Entry = Batch | Command
NewEntry = NewBatch | NewCommand
