"""From a journal entry to readings: each piece decoded and extracted, or set aside with its reason."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from tollspan_rater.domain.call import Extracted, Rejected
from tollspan_rater.domain.entries import Batch
from tollspan_rater.domain.span import FAR_FUTURE_NS, Piece, Span, Undecodable
from tollspan_rater.extract.draft import drafted
from tollspan_rater.extract.span_rule import NO_RULES, RulesByTenant, ruled
from tollspan_rater.store.lookup import KeptAs

_TIME_MAX: Final = (1 << 63) - 1
LATE_NS: Final = 3_600 * 1_000_000_000  # a span that arrives an hour after its end is marked late

Decode = Callable[..., list[Piece]]  # of a batch; ``also=`` names attributes to keep for span rules
Extract = Callable[[Span], Extracted | Rejected]
Evidence = Callable[[Extracted], tuple[str, str]]  # as stored text, and its digest


@dataclass(frozen=True, slots=True)
class SetAside:
    """Why a piece is quarantined, and what is kept of it (never content).

    ``raw`` is what ``kept_as`` says: the bytes that are no span, a decoded span or its evidence as JSON.
    """

    reason: str
    error: str
    trace_id: str
    span_id: str
    kept_as: KeptAs
    raw: bytes


@dataclass(frozen=True, slots=True)
class Reading:
    """One piece of a batch after extraction: what was read, or why it is set aside.

    ``position`` and ``ordinal`` name the piece for good; ``at_position`` is the journal entry that made the
    rater read it (a later one for a replay). ``again``: the piece holds its span key already, and this is what other
    tables read of it; if it cannot be settled, what was read before stays.
    """

    position: int
    ordinal: int
    at_position: int
    received_ns: int
    tenant: str
    sender: str
    extracted: Extracted | None
    evidence: str
    digest: str
    aside: SetAside | None = None
    again: bool = False


new_reading: Final = drafted(Reading)


class Reader:
    """Reads batches with the given decode, extract and evidence functions; one bad piece costs no other.

    ``rules`` are the span rules of each tenant that are in force at the positions of what is read.
    """

    def __init__(
        self, decode: Decode, extract: Extract, evidence_of: Evidence, rules: RulesByTenant | None = None
    ) -> None:
        self._decode = decode
        self._extract = extract
        self._evidence_of = evidence_of
        self._rules = rules or {}

    def under(self, rules: RulesByTenant) -> Reader:
        """Return a reader that reads as this one while other rules are in force."""
        return Reader(self._decode, self._extract, self._evidence_of, rules)

    def decode(self, batch: Batch) -> list[Piece]:
        """Return the pieces of a batch, with what its tenant's rules look at."""
        also = self._rules.get(batch.tenant, NO_RULES).keys
        return self._decode(batch, also=also) if also else self._decode(batch)

    def read(self, batch: Batch) -> list[Reading]:
        """Return a reading for each piece of a batch, in the order of the request."""
        return [
            self.read_piece(batch, piece, ordinal=ordinal, at_position=batch.position)
            for ordinal, piece in enumerate(self._pieces(batch))
        ]

    def read_piece(self, batch: Batch, piece: Piece, *, ordinal: int, at_position: int) -> Reading:
        """Return the reading of one piece; whatever goes wrong sets only this piece aside."""
        if isinstance(piece, Undecodable):
            aside = SetAside(piece.reason, piece.error, piece.trace_id, piece.span_id, "bytes", piece.raw)
            return self.aside(batch, ordinal, at_position, aside)
        try:
            found = _bad_time(piece, batch.received_ns) or self._extract(piece)
            if batch.tenant in self._rules:
                found = ruled(piece, found, self._rules[batch.tenant])
            if isinstance(found, Rejected):
                return self.aside(batch, ordinal, at_position, set_aside(piece, found))
            return self.keep(batch, found, ordinal=ordinal, at_position=at_position)
        except Exception as error:  # noqa: BLE001 - a fault of ours in one span must not cost its neighbours
            fault = Rejected("fault", fault_text(error))
            return self.aside(batch, ordinal, at_position, set_aside(piece, fault))

    def keep(self, batch: Batch, extracted: Extracted, *, ordinal: int, at_position: int) -> Reading:
        """Return the reading of a span that was extracted."""
        evidence, digest = self._evidence_of(extracted)
        return new_reading(
            batch.position, ordinal, at_position, batch.received_ns, batch.tenant, batch.sender, extracted, evidence,
            digest,
        )  # fmt: skip

    def _pieces(self, batch: Batch) -> list[Piece]:
        try:
            return self.decode(batch)
        except Exception as error:  # noqa: BLE001 - the bytes stay in the journal; the position must move on
            return [Undecodable("fault", fault_text(error), b"")]

    @staticmethod
    def aside(batch: Batch, ordinal: int, at_position: int, aside: SetAside) -> Reading:
        """Return the reading of a piece that is set aside."""
        return Reading(
            batch.position, ordinal, at_position, batch.received_ns, batch.tenant, batch.sender, None, "", "", aside
        )


def set_aside(span: Span, why: Rejected) -> SetAside:
    """Return what is kept of a decoded span that cannot be used: its content-free attributes as JSON.

    Of values that JSON cannot hold nothing is kept beside the ids; the journal has them.
    """
    try:
        kept_as: KeptAs = "span"
        raw = orjson.dumps(span, default=_plain)
    except orjson.JSONEncodeError:
        kept_as, raw = "bytes", b""
    return SetAside(why.reason, why.error, span.trace_id, span.span_id, kept_as, raw)


def at_fault(reading: Reading, error: str) -> Reading:
    """Return a reading that is set aside because the rater failed on it; its evidence is kept for a replay."""
    span = reading.extracted
    ids = ("", "") if span is None else (span.trace_id, span.span_id)
    aside = SetAside("fault", error, *ids, "evidence", reading.evidence.encode())
    return replace(reading, extracted=None, evidence="", digest="", aside=aside)


def fault_text(error: Exception) -> str:
    """Describe an unexpected error by its type, message and innermost place; no values of variables."""
    place = traceback.extract_tb(error.__traceback__)
    where = f" at {place[-1].name}:{place[-1].lineno}" if place else ""
    text = f"{type(error).__name__}: {error}{where}"[:500]
    return text.encode("utf-8", "backslashreplace").decode()


def _bad_time(span: Span, received_ns: int) -> Rejected | None:
    if span.start_ns > received_ns + FAR_FUTURE_NS:
        ahead = (span.start_ns - received_ns) // 1_000_000_000
        return Rejected("future", f"starts {ahead} s after it was received: the sender's clock is ahead")
    if span.start_ns <= 0 or not 0 <= span.end_ns <= _TIME_MAX:
        return Rejected("bad_time", f"start {span.start_ns}, end {span.end_ns}: not an instant after 1970")
    return None


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    return str(value)
