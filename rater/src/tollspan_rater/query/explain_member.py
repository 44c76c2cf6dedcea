"""Why a call has the usage and attribution that it has: its spans one by one, what each states, what won."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.span import Piece, Span
from tollspan_rater.domain.usage import TOKEN_FIELDS
from tollspan_rater.extract.reason import Member, Reason, Source
from tollspan_rater.extract.stated import stated
from tollspan_rater.query.answer import Cell
from tollspan_rater.query.scope import Scope
from tollspan_rater.store.lookup import StoredSpan

Row = tuple[str, str, Cell]
Fact = tuple[str, Cell]

_WON: Final[Mapping[str, str]] = {
    "only measured view": "no other view states any usage",
    "rank": "its rank is the best of those that state usage",
    "quality": "of the best rank, its numbers are worth most",
    "first": "of equal views it is the first",
    "unmeasured": "no view states any usage",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One span of a call: what the store holds of it, what was read, and how it came into the call."""

    stored: StoredSpan
    span: Extracted
    joined: str


class Members:
    """Tells of spans; requests that are read again from the journal are read once for one answer."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._pieces: dict[int, Sequence[Piece] | None] = {}

    def rows(self, shown: Iterable[Shown], chosen: str) -> Iterator[Row]:
        """Yield what is known of the spans of a call; ``chosen`` is the one whose usage counts."""
        for one in shown:
            span = one.span
            about = f"member {span.span_id}"
            counted = " (its usage was chosen)" if span.member == chosen else ""
            yield about, "member", f"{span.member}{counted}"
            yield about, "role", f"{span.role}, seen by {span.scope or 'no scope'}, named {span.name or '-'}"
            yield about, "read by", f"{span.dialect}, rank {span.rank}, quality {span.quality or 'not said'}"
            yield about, "joined by", one.joined
            yield about, "usage", _usage(span)
            if span.ruled is not None and span.ruled.elsewhere:
                yield about, "billed elsewhere", f"{span.ruled.elsewhere}; without the rule it is a {span.ruled.role}"
            if span.ruled is not None and span.ruled.counts:
                counts = {one.meter: f"{one.quantity:f}, {one.rule}" for one in span.ruled.counts}
                yield about, "counted by rules", counts
            if span.said:
                yield about, "says", dict(span.said)
            if span.resource_said:
                yield about, "its resource says", dict(span.resource_said)
            if span.flags:
                yield about, "flags", list(span.flags)
            yield from ((about, what, value) for what, value in self._stated(one))

    def _stated(self, one: Shown) -> Iterator[Fact]:
        """Yield the span's own words, read again from the journal while its day is there."""
        position, ordinal = one.stored.position, one.stored.ordinal
        if position not in self._pieces:
            self._pieces[position] = self._scope.pieces_at(position)
        pieces = self._pieces[position]
        if pieces is None:
            yield "attributes", f"position {position} is no longer in the journal; what was read of it is above"
            return
        piece = pieces[ordinal] if ordinal < len(pieces) else None
        if not isinstance(piece, Span):
            yield "attributes", f"piece {position}:{ordinal} cannot be decoded again"
            return
        words = stated(piece)
        yield "attributes", dict(words.values)
        yield "taken for", dict(words.taken_for)
        if words.dialect != one.span.dialect:
            yield "read today by", f"{words.dialect}; tollspan reextract tells what that changes"


def reason_facts(reason: Reason) -> Iterator[Fact]:
    """Yield why the usage of a call is what it is, and which values disagree."""
    call = reason.call
    yield "whose usage", f"{call.evidence}: {_WON.get(reason.won_by, reason.won_by)}"
    for member in reason.members:
        if member.fills:
            yield "filled from another view", f"{', '.join(member.fills)} from {member.span.member}"
    for one in call.conflicts:
        yield "conflict", f"{one.field}: {one.value} of {one.member} holds, {one.other_member} says {one.other}"


def source_facts(said: Mapping[str, Source]) -> Iterator[Fact]:
    """Yield which span, or whose resource, said each key of the attribution."""
    for key, source in sorted(said.items()):
        yield f"{key} said by", f"{'the resource of ' if source.by_resource else ''}{source.member}: {source.value}"


def how_joined(member: Member) -> str:
    """Put in words how a span came into its call."""
    if member.joined_by is None:
        return "it represents the call"
    return f"{member.joined_by}, with {member.joined_to}"


def _usage(span: Extracted) -> Cell:
    """Return the counts of a span in inclusive normal form."""
    if span.unit_meter is not None:
        return {span.unit_meter: f"{span.unit_quantity:f}"}
    counts = {name: str(count) for name in TOKEN_FIELDS if (count := getattr(span.usage, name)) is not None}
    counts |= {meter: f"{quantity:f}" for meter, quantity in span.usage.units.items()}
    if span.reported_cost is not None:
        counts["stated cost, not used"] = f"{span.reported_cost:f}"
    return counts or "states none"
