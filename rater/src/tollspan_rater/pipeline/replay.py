"""Reading quarantined pieces again, with what the rater knows now."""

from __future__ import annotations

from typing import Any

import orjson

from tollspan_rater.domain.entries import Batch, Command
from tollspan_rater.domain.span import Piece, Span, Undecodable
from tollspan_rater.pipeline.reading import Reader, Reading
from tollspan_rater.store.database import Database

_LATEST = """
SELECT q.position, q.ordinal, q.at_ns, q.reason, q.error, q.trace_id, q.span_id, q.raw, e.sender
FROM quarantine AS q JOIN entries AS e ON e.position = q.position
WHERE q.tenant = ? AND list_contains(?, q.position::VARCHAR || ':' || q.ordinal::VARCHAR)
ORDER BY q.position, q.ordinal
"""


def replayed(command: Command, database: Database, reader: Reader) -> list[Reading]:
    """Return new readings of the pieces that a ``quarantine.replay`` command names (``pieces``: position:ordinal)."""
    rows = database.reader().execute(_LATEST, [command.tenant, list(command.body["pieces"])]).fetchall()
    seen: set[tuple[int, int]] = set()
    readings = []
    for position, ordinal, at_ns, reason, error, trace_id, span_id, raw, sender in rows:
        if (position, ordinal) in seen:
            continue
        seen.add((position, ordinal))
        batch = Batch(position, at_ns, command.tenant, sender, "otlp-proto", b"")
        piece = _piece(raw, Undecodable(reason, error, raw, trace_id, span_id))
        readings.append(reader.read_piece(batch, piece, ordinal=ordinal, at_position=command.position))
    return readings


def _piece(raw: bytes, otherwise: Undecodable) -> Piece:
    """Return the span that was set aside, or the piece as it was when it never was a span."""
    try:
        value: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return otherwise
    if not isinstance(value, dict) or "attributes" not in value or "kind" not in value:
        return otherwise
    return Span(**value)
