"""Reading quarantined pieces again, with what the rater knows now.

A replay is an entry of the journal: what it finds counts from its position on, and an answer as of an earlier
position does not change. A piece counts as received when it is replayed, so that a span from the future can be read
once its time has come. A piece that still cannot be read stays in quarantine as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.entries import Batch, Command, Encoding
from tollspan_rater.domain.span import Span, Undecodable
from tollspan_rater.pipeline.reading import Reader, Reading, SetAside
from tollspan_rater.store.database import Database
from tollspan_rater.store.fates import CURRENT

_KEPT = f"""
SELECT q.position, q.ordinal, q.reason, q.error, q.trace_id, q.span_id, q.raw, e.sender
FROM quarantine AS q JOIN entries AS e ON e.position = q.position
JOIN ({CURRENT}) AS piece ON (piece.tenant, piece.position, piece.ordinal) = (q.tenant, q.position, q.ordinal)
WHERE q.tenant = ? AND list_contains(?, q.position::VARCHAR || ':' || q.ordinal::VARCHAR)
    AND piece.fate = 'quarantined'
QUALIFY row_number() OVER (PARTITION BY q.position, q.ordinal ORDER BY q.at_ns DESC) = 1
ORDER BY q.position, q.ordinal
"""  # noqa: S608 - our text


def replayed(
    command: Command, database: Database, reader: Reader, from_evidence: Callable[[str], Extracted]
) -> list[Reading]:
    """Return new readings of the pieces that a ``quarantine.replay`` command names (``pieces``: position:ordinal).

    Pieces with which nothing has changed are left out.
    """
    rows = database.reader().execute(_KEPT, [command.tenant, list(command.body["pieces"])]).fetchall()
    readings = []
    for position, ordinal, reason, error, trace_id, span_id, raw, sender in rows:
        before = SetAside(reason, error, trace_id, span_id, raw)
        document = _document(raw)
        encoding: Encoding = "otlp-proto" if document is None else "otlp-json"
        batch = Batch(position, command.at_ns, command.tenant, sender, encoding, raw)
        again = _Again(reader, batch, ordinal, command.position, before)
        reading = again.read(document, from_evidence)
        if reading.aside != before:
            readings.append(reading)
    return readings


class _Again:
    """Reads one kept piece again, whatever form it was kept in."""

    def __init__(self, reader: Reader, batch: Batch, ordinal: int, at_position: int, before: SetAside) -> None:
        self._reader, self._batch, self._before = reader, batch, before
        self._ordinal, self._at_position = ordinal, at_position

    def read(self, document: dict[str, Any] | None, from_evidence: Callable[[str], Extracted]) -> Reading:
        try:
            if document is not None and "ro" in document:
                extracted = from_evidence(self._batch.body.decode())
                return self._reader.keep(self._batch, extracted, ordinal=self._ordinal, at_position=self._at_position)
            piece = Span(**document) if document is not None and "start_ns" in document else self._decoded()
        except Exception:  # noqa: BLE001 - kept by a release that wrote it otherwise: it stays in quarantine
            piece = self._as_before()
        return self._reader.read_piece(self._batch, piece, ordinal=self._ordinal, at_position=self._at_position)

    def _decoded(self) -> Span | Undecodable:
        """Decode the kept request of one span; anything else than exactly one span leaves the piece what it was."""
        pieces = self._reader.decode(self._batch)
        return pieces[0] if len(pieces) == 1 and isinstance(pieces[0], Span) else self._as_before()

    def _as_before(self) -> Undecodable:
        before = self._before
        return Undecodable(before.reason, before.error, before.raw, before.trace_id, before.span_id)


def _document(raw: bytes) -> dict[str, Any] | None:
    """Return what was kept as JSON: a span's fields, its evidence or an OTLP request; None for other bytes."""
    try:
        value: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
