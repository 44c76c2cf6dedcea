"""Why a call is what it is: its money, its spans, its revisions, and where an id led that is no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tollspan_rater.errors import NotFoundError
from tollspan_rater.extract.reason import Reason, reasons, sources
from tollspan_rater.query.answer import Cell
from tollspan_rater.query.explain_correction import Fact, correction_facts
from tollspan_rater.query.explain_member import Members, Shown, how_joined, reason_facts, source_facts
from tollspan_rater.query.explain_money import Bills
from tollspan_rater.query.grouping import UNSAID
from tollspan_rater.query.rated import RatedCall
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.together import read, spans_together
from tollspan_rater.store.lookup import StoredSpan

MOST_CALLS: Final = 20

Row = tuple[str, str, Cell]
_LEGS: Final = """
    SELECT legs.call_id, revision, sign, legs.position, customer, input, output, members, trace_ids, dialect,
           legs.evidence, response_id, flags, meter, quantity, entries.kind AS entry
    FROM legs JOIN entries ON entries.position = legs.position
    WHERE legs.tenant = ? AND list_contains(?, call_id) ORDER BY legs.position, revision, sign DESC
"""
_VOID: Final = """
    SELECT call_id FROM uncorrected_calls ANTI JOIN calls USING (tenant, call_id)
    WHERE tenant = ? AND len(list_filter(members, lambda m: list_has_any([m, m[:32]], ?))) > 0
    ORDER BY started_ns, call_id
"""
_WITH_MEMBER: Final = """
    SELECT call_id FROM calls
    WHERE tenant = ? AND len(list_filter(members, lambda m: list_has_any([m, m[:32]], ?))) > 0
    ORDER BY started_ns, call_id
"""


@dataclass(frozen=True, slots=True)
class Known:
    """What explaining several calls needs: money, the spans around them, why they were settled, corrections."""

    rated: Mapping[str, RatedCall]
    spans: Mapping[str, StoredSpan]
    reasons: Mapping[str, Reason]
    corrections: Mapping[str, list[Fact]]


class Calls:
    """Explains calls; what several of them share is worked out once."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._bills = Bills(scope)
        self._members = Members(scope)

    def with_member(self, *names: str) -> list[str]:
        """Return the calls that stand and have one of some spans, or any span of a trace, as a member."""
        rows = self._scope.connection.execute(_WITH_MEMBER, [self._scope.accounts.tenant, list(names)]).fetchall()
        return [call_id for (call_id,) in rows]

    def of_id(self, call_id: str) -> list[Row]:
        """Return what is known of a call; of an id that is no more, also what became of its spans.

        Raises:
            NotFoundError: no call ever had this id.
        """
        legs = self._legs([call_id])
        if not legs:
            raise NotFoundError("call", call_id, "tollspan calls lists them.")
        if legs[-1]["sign"] > 0:
            return self.rows([call_id])
        void = self.void(call_id)
        if void:
            return void
        later = self.with_member(*legs[-1]["members"])
        state = f"its revisions net to zero; it is now {', '.join(later) or 'no call'}"
        history = [(f"call {call_id}", what, value) for what, value in _history(legs)]
        return [(f"call {call_id}", "state", state), *history, *self.rows(later[:MOST_CALLS])]

    def void(self, *call_ids: str) -> list[Row]:
        """Return what is known of those of some calls that are void."""
        scope = self._scope
        found = correction_facts(scope.connection, scope.accounts.tenant, call_ids)
        legs = [(call_id, self._legs([call_id])) for call_id in found]
        return [
            (f"call {call_id}", what, value)
            for call_id, history in legs
            if history[-1]["sign"] < 0
            for what, value in [("state", "void: it counts nowhere"), *found[call_id], *_history(history)]
        ]

    def void_with_member(self, *names: str) -> list[Row]:
        """Return what is known of void calls that show one of some spans, or any span of a trace."""
        found = self._scope.connection.execute(_VOID, [self._scope.accounts.tenant, list(names)]).fetchall()
        return self.void(*(call_id for (call_id,) in found[:MOST_CALLS])) if found else []

    def rows(self, call_ids: Sequence[str]) -> list[Row]:
        """Return what is known of some calls that stand."""
        if not call_ids:
            return []
        legs: dict[str, list[dict[str, Any]]] = {call_id: [] for call_id in call_ids}
        for leg in self._legs(call_ids):
            legs[leg["call_id"]].append(leg)
        known = self._known(call_ids, (trace for found in legs.values() for trace in found[-1]["trace_ids"]))
        return [row for call_id, found in legs.items() for row in self._call(call_id, found, known)]

    def without_authority(self, trace_id: str, span_id: str | None) -> Iterator[Row]:
        """Yield what is known of the views in a trace, or of one of its spans, that a rule has billed elsewhere."""
        spans = spans_together(self._scope.connection, self._scope.accounts.tenant, {trace_id})
        views = ((stored, read(stored)) for stored in spans.values() if stored.trace_id == trace_id)
        joined = "no call: a span rule says that its call is billed elsewhere"
        shown = [
            Shown(stored, span, joined)
            for stored, span in views
            if span.billed_elsewhere and span_id in {None, span.span_id}
        ]
        yield from self._members.rows(shown[:MOST_CALLS], chosen="")
        if len(shown) > MOST_CALLS:
            yield f"trace {trace_id}", "billed elsewhere", f"{len(shown)} views in all; explain each by its span id"

    def _known(self, call_ids: Sequence[str], trace_ids: Iterable[str]) -> Known:
        scope = self._scope
        spans = spans_together(scope.connection, scope.accounts.tenant, set(trace_ids))
        said = correction_facts(scope.connection, scope.accounts.tenant, call_ids)
        return Known(self._bills.rated(call_ids), spans, reasons(map(read, spans.values())), said)

    def _call(self, call_id: str, legs: Sequence[dict[str, Any]], known: Known) -> Iterator[Row]:
        about, last = f"call {call_id}", legs[-1]
        yield from ((about, what, value) for what, value in self._bills.facts(known.rated[call_id]))
        yield from ((about, what, value) for what, value in known.corrections.get(call_id, ()))
        reason = known.reasons.get(call_id)
        if reason is not None and reason.call.members == tuple(last["members"]):
            yield from ((about, what, value) for what, value in [*reason_facts(reason), *source_facts(reason.said)])
            joined = {member.span.member: how_joined(member) for member in reason.members}
        else:
            joined = {}
            said = sources(map(read, known.spans.values()), last["members"][0])
            yield from ((about, what, value) for what, value in source_facts(said))
        other = "it is the only one" if len(last["members"]) == 1 else "by rules of another release"
        shown = [
            Shown(known.spans[name], read(known.spans[name]), joined.get(name, other))
            for name in last["members"]
            if name in known.spans
        ]
        yield from self._members.rows(shown, last["evidence"])
        yield from ((about, what, value) for what, value in _reading(last))
        yield from ((about, what, value) for what, value in _history(legs))

    def _legs(self, call_ids: Sequence[str]) -> list[dict[str, Any]]:
        found = self._scope.connection.execute(_LEGS, [self._scope.accounts.tenant, list(call_ids)])
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _reading(leg: Mapping[str, Any]) -> Iterator[tuple[str, Cell]]:
    yield "read by", leg["dialect"]
    if leg["response_id"]:
        yield "response id", leg["response_id"]
    if leg["flags"]:
        yield "flags", ", ".join(leg["flags"])


def _history(legs: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Cell]]:
    """Yield the revisions of a call, each with the journal entry that caused it."""
    for leg in legs:
        used = f"input {leg['input']}, output {leg['output']}"
        if leg["meter"] is not None:
            used = f"{leg['meter']} {leg['quantity'].normalize():f}"
        seen = f"spans {len(leg['members'])}, read by {leg['dialect']}"
        customer = leg["customer"] or UNSAID["customer"]
        what = f"leg {'+' if leg['sign'] > 0 else '-'}{leg['revision']}"
        yield what, f"at journal position {leg['position']} ({leg['entry']}), {seen}: {used}, customer {customer}"
