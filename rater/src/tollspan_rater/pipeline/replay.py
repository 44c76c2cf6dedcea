"""Reading quarantined pieces again, with what the rater knows now.

A replay is an entry of the journal: what it finds counts from its position on, and an answer as of an earlier
position does not change. A piece counts as received when it is replayed, so that a span from the future can be read
once its time has come. A piece that still cannot be read stays in quarantine as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import orjson

from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.entries import Batch, Command, Encoding
from tollspan_rater.domain.span import Piece, Span, Undecodable
from tollspan_rater.pipeline.reading import Reader, Reading, SetAside, fault_text
from tollspan_rater.store.database import Database
from tollspan_rater.store.lookup import QuarantinedPiece, pieces_in_quarantine

FromEvidence = Callable[[str], Extracted]


def replayed(command: Command, database: Database, reader: Reader, from_evidence: FromEvidence) -> list[Reading]:
    """Return new readings of the pieces that a ``quarantine.replay`` command names (``pieces``: position:ordinal).

    Names of pieces that are not in quarantine, or no more, are passed over; so are pieces with which nothing has
    changed.
    """
    kept = pieces_in_quarantine(database, command.tenant, list(command.body["pieces"]))
    readings = ((piece, _again(piece, command, reader, from_evidence)) for piece in kept)
    return [reading for piece, reading in readings if reading.aside != _before(piece)]


def _again(kept: QuarantinedPiece, command: Command, reader: Reader, from_evidence: FromEvidence) -> Reading:
    encoding: Encoding = "otlp-json" if kept.raw.startswith(b"{") else "otlp-proto"
    batch = Batch(kept.position, command.at_ns, command.tenant, kept.sender, encoding, kept.raw)
    ordinal, at = kept.ordinal, command.position
    try:
        if kept.kept_as == "evidence":
            return reader.keep(batch, from_evidence(kept.raw.decode()), ordinal=ordinal, at_position=at)
        return reader.read_piece(batch, _piece(kept, batch, reader), ordinal=ordinal, at_position=at)
    except Exception as error:  # noqa: BLE001 - what was kept cannot be read: the piece stays, its neighbours go on
        aside = replace(_before(kept), reason="fault", error=fault_text(error))
        return reader.aside(batch, ordinal, at, aside)


def _piece(kept: QuarantinedPiece, batch: Batch, reader: Reader) -> Piece:
    """Return the kept span, or the one span of a kept request; anything else is what it was."""
    if kept.kept_as == "span":
        return Span(**orjson.loads(kept.raw))
    pieces = reader.decode(batch)
    if len(pieces) == 1 and isinstance(pieces[0], Span):
        return pieces[0]
    return Undecodable(kept.reason, kept.error, kept.raw, kept.trace_id, kept.span_id)


def _before(kept: QuarantinedPiece) -> SetAside:
    return SetAside(kept.reason, kept.error, kept.trace_id, kept.span_id, kept.kept_as, kept.raw)
