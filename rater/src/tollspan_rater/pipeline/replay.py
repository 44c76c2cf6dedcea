"""Reading quarantined pieces again, with what the rater knows now."""

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

    Names of pieces that are not in quarantine, or no more, are passed over, and so are pieces with which nothing
    has changed. A span whose time has come by the time of the command is no longer ``future``.
    """
    kept = pieces_in_quarantine(database, command.tenant, list(command.body["pieces"]))
    again = [(piece, _again(piece, command, reader, from_evidence)) for piece in kept]
    return [reading for piece, reading in again if reading.aside != _as_before(piece)]


def _again(kept: QuarantinedPiece, command: Command, reader: Reader, from_evidence: FromEvidence) -> Reading:
    encoding: Encoding = "otlp-json" if kept.raw[:1] == b"{" else "otlp-proto"
    batch = Batch(kept.position, command.at_ns, command.tenant, kept.sender, encoding, kept.raw)
    ordinal, at = kept.ordinal, command.position
    try:
        if kept.kept_as == "evidence":
            reading = reader.keep(batch, from_evidence(kept.raw.decode()), ordinal=ordinal, at_position=at)
        else:
            reading = reader.read_piece(batch, _piece(kept, batch, reader), ordinal=ordinal, at_position=at)
    except Exception as error:  # noqa: BLE001 - what was kept cannot be read: the piece stays, its neighbours go on
        aside = SetAside("fault", fault_text(error), kept.trace_id, kept.span_id, kept.kept_as, kept.raw)
        reading = reader.aside(batch, ordinal, at, aside)
    return replace(reading, received_ns=kept.at_ns)


def _piece(kept: QuarantinedPiece, batch: Batch, reader: Reader) -> Piece:
    """Return a kept span, or what the kept request of one span decodes to; anything else stays what it was."""
    if kept.kept_as == "span":
        return Span(**orjson.loads(kept.raw))
    pieces = reader.decode(batch)
    if len(pieces) == 1 and isinstance(pieces[0], Span):
        return pieces[0]
    return Undecodable(kept.reason, kept.error, kept.raw, kept.trace_id, kept.span_id)


def _as_before(kept: QuarantinedPiece) -> SetAside:
    return SetAside(kept.reason, kept.error, kept.trace_id, kept.span_id, kept.kept_as, kept.raw)
