"""Reading quarantined pieces again, with what the rater knows now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.entries import Batch, Command
from tollspan_rater.domain.span import Span, Undecodable
from tollspan_rater.pipeline.reading import Reader, Reading
from tollspan_rater.store.database import Database

_LATEST = """
SELECT q.position, q.ordinal, q.at_ns, q.reason, q.error, q.trace_id, q.span_id, q.raw, e.sender
FROM quarantine AS q JOIN entries AS e ON e.position = q.position
WHERE q.tenant = ? AND list_contains(?, q.position::VARCHAR || ':' || q.ordinal::VARCHAR)
ORDER BY q.position, q.ordinal
"""


def replayed(
    command: Command, database: Database, reader: Reader, from_evidence: Callable[[str], Extracted]
) -> list[Reading]:
    """Return new readings of the pieces that a ``quarantine.replay`` command names (``pieces``: position:ordinal)."""
    with database.looking_up() as connection:
        rows = connection.execute(_LATEST, [command.tenant, list(command.body["pieces"])]).fetchall()
    readings: dict[tuple[int, int], Reading] = {}
    for position, ordinal, at_ns, reason, error, trace_id, span_id, raw, sender in rows:
        batch = Batch(position, at_ns, command.tenant, sender, "otlp-proto", b"")
        otherwise = Undecodable(reason, error, raw, trace_id, span_id)
        fields = _fields(raw)
        if fields is not None and "role" in fields:
            reading = reader.keep(batch, from_evidence(raw.decode()), ordinal=ordinal, at_position=command.position)
        else:
            piece = otherwise if fields is None else Span(**fields)
            reading = reader.read_piece(batch, piece, ordinal=ordinal, at_position=command.position)
        readings[position, ordinal] = reading
    return list(readings.values())


def _fields(raw: bytes) -> dict[str, Any] | None:
    """Return what was kept of a span (its fields, or its evidence); None for a piece that never was a span."""
    try:
        value: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) and ("attributes" in value or "role" in value) else None
