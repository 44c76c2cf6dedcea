"""Reading history again: which stored pieces today's tables read otherwise, and how that comes into force.

A ``reextract`` command carries the new evidence of each piece, so that applying it needs neither the bytes nor the
tables of the day on which it was made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.entries import Batch, Command
from tollspan_rater.domain.fates import Fate, Role
from tollspan_rater.pipeline.reading import Reader, Reading
from tollspan_rater.store.database import Database
from tollspan_rater.store.legs import trace_key
from tollspan_rater.store.lookup import StoredSpan, held_versions, receptions, spans_of_positions, spans_of_traces

FromEvidence = Callable[[str], Extracted]

REEXTRACT: Final = "reextract"
_PIECES: Final = "pieces"


@dataclass(frozen=True, slots=True)
class Reread:
    """What reading some batches again found.

    ``changed`` maps the pieces (position:ordinal) that hold their span key and are read otherwise today to their new
    evidence. ``read`` counts what was compared, ``refused`` the pieces among it that were read once and cannot be
    today: for them nothing changes.
    """

    changed: Mapping[str, str]
    read: int
    refused: int

    def body(self) -> dict[str, Any]:
        """Return the body of the command that brings the changes into force."""
        return {_PIECES: dict(self.changed)}


def reread(
    batches: Sequence[Batch], span_ns: tuple[int, int], database: Database, reader: Reader, known: FromEvidence
) -> Reread:
    """Read batches again and compare what was stored of their spans that started in ``span_ns`` (second excluded).

    Pieces with other fates (copies, conflicts, quarantined ones) are left alone. A reading that differs only in the
    version of its dialect is no change.
    """
    stored = _newest(spans_of_positions(database, [batch.position for batch in batches]))
    changed: dict[str, str] = {}
    read = refused = 0
    for reading in (reading for batch in batches for reading in reader.read(batch)):
        before = stored.get((reading.position, reading.ordinal))
        if before is None or not span_ns[0] <= before.start_ns < span_ns[1]:
            continue
        read += 1
        extracted = reading.extracted
        if extracted is None or extracted.key != (before.tenant, before.trace_id, before.span_id):
            refused += 1
        elif before.evidence != reading.evidence and not _alike(before, extracted, known):
            changed[_name(before)] = reading.evidence
    held = _held(database, {stored[_place(name)].trace_key for name in changed})
    return Reread({name: evidence for name, evidence in changed.items() if name in held}, read, refused)


def rereadings(command: Command, database: Database, reader: Reader, known: FromEvidence) -> list[Reading]:
    """Return the new readings that a ``reextract`` command brings.

    Pieces that no longer hold their span key when it is applied, or that say so already, are passed over.
    """
    said = {name: known(evidence) for name, evidence in command.body[_PIECES].items()}
    held = _held(database, {trace_key(extracted.trace_id) for extracted in said.values()})
    news = [
        (held[name], extracted)
        for name, extracted in said.items()
        if name in held and held[name].tenant == command.tenant and not _alike(held[name], extracted, known)
    ]
    received = receptions(database, {before.position for before, _ in news})
    readings = []
    for before, extracted in sorted(news, key=lambda one: (one[0].position, one[0].ordinal)):
        received_ns, sender = received[before.position]
        batch = Batch(before.position, received_ns, command.tenant, sender, "otlp-proto", b"")
        reading = reader.keep(batch, extracted, ordinal=before.ordinal, at_position=command.position)
        readings.append(replace(reading, again=True))
    return readings


def _alike(before: StoredSpan, today: Extracted, known: FromEvidence) -> bool:
    """Tell whether what is stored says the same as a reading of today, the versions of dialect and rules aside."""
    if before.fate == Fate.IGNORED or today.role is Role.NONE:
        return before.fate == Fate.IGNORED and today.role is Role.NONE
    then = known(before.evidence)
    return replace(then, dialect=today.dialect, ruled=today.ruled) == today and _units(then) == _units(today)


def _units(span: Extracted) -> set[tuple[str, Decimal]]:
    return set() if span.ruled is None else {(one.meter, one.quantity) for one in span.ruled.counts}


def _newest(versions: Sequence[StoredSpan]) -> dict[tuple[int, int], StoredSpan]:
    in_order = sorted(versions, key=lambda span: span.at_position or 0)
    return {(span.position, span.ordinal): span for span in in_order}


def _held(database: Database, trace_keys: Collection[int]) -> dict[str, StoredSpan]:
    """Return the pieces by name that hold a span key in some traces."""
    return {_name(span): span for span in held_versions(spans_of_traces(database, trace_keys)).values()}


def _name(span: StoredSpan) -> str:
    return f"{span.position}:{span.ordinal}"


def _place(name: str) -> tuple[int, int]:
    position, _, ordinal = name.partition(":")
    return int(position), int(ordinal)
