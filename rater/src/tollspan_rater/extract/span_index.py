"""Spans that hang together, found by their place: parents, children, neighbours in time, spans with one response id.

What is asked here decides which calls a new span can change, so each question names the clustering rule it is for.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.fates import Role
from tollspan_rater.extract.cluster import (
    CALLS,
    RESPONSE_ID,
    SIBLINGS,
    Key,
    is_barrier,
    is_evidence_beside,
    takes_evidence_beside,
)
from tollspan_rater.extract.line import Line, Place, place_of
from tollspan_rater.extract.response_id import Tie, tie

SPEAKING: Final = frozenset({Role.CALL, Role.EVIDENCE, Role.AGGREGATE, Role.UNIT})

_Beside = tuple[Key, str]  # parent and scope of a streamed call and of its evidence


def speaks(span: Extracted) -> bool:
    """Tell whether a span becomes a part of a call or a unit, or decides whether a container above it is a call."""
    return span.role in SPEAKING or span.billed_elsewhere


class SpanIndex:
    """Spans by key, one version each."""

    def __init__(self) -> None:
        self.spans: dict[Key, Extracted] = {}
        self._below: defaultdict[Key, dict[Key, None]] = defaultdict(dict)
        self._siblings: defaultdict[Key, Line] = defaultdict(Line)
        self._tied: defaultdict[Tie, Line] = defaultdict(Line)
        self._beside: defaultdict[_Beside, list[tuple[Place, bool]]] = defaultdict(list)

    def add(self, span: Extracted) -> set[Key]:
        """Take in a span whose key is not there yet; return the spans that get another partner beside them (R3b)."""
        self.spans[span.key] = span
        self._below[_parent(span)][span.key] = None
        if span.role in CALLS:
            self._siblings[_parent(span)].add(span)
            tied = tie(span)
            if tied is not None:
                self._tied[tied].add(span)
        if not _waits_beside(span):
            return set()
        insort(self._beside[_parent(span), span.scope], (place_of(span), takes_evidence_beside(span)))
        return self._partners_changed_by(span)

    def remove(self, key: Key) -> set[Key]:
        """Take out a span that is there; return the spans that get another partner beside them (R3b)."""
        span = self.spans[key]
        changed = self._partners_changed_by(span) - {key} if _waits_beside(span) else set()
        del self.spans[key], self._below[_parent(span)][key]
        if span.role in CALLS:
            self._siblings[_parent(span)].remove(span)
            tied = tie(span)
            if tied is not None:
                self._tied[tied].remove(span)
        if _waits_beside(span):
            self._beside[_parent(span), span.scope].remove((place_of(span), takes_evidence_beside(span)))
        return changed

    def parent(self, key: Key) -> Key | None:
        """Return the span above another one, None when it is not there."""
        above = _parent(self.spans[key])
        return above if above in self.spans and above != key else None

    def ancestors(self, key: Key) -> list[Key]:
        """Return all spans above one, the nearest first; of a cycle, each once."""
        found: dict[Key, None] = {}
        above = self.parent(key)
        while above is not None and above not in found:
            found[above] = None
            above = self.parent(above)
        return list(found)

    def in_cycle(self, key: Key) -> bool:
        """Tell whether a span stands above itself; settlement cuts such a ring somewhere, which is not looked into."""
        return key in self.ancestors(key)

    def subtree(self, key: Key, closed: frozenset[Key] | set[Key] = frozenset()) -> Iterator[Key]:
        """Yield all spans below one, level by level, but nothing at or below those that are ``closed``."""
        return (below for below in self._walk(key, lambda at: at not in closed) if below not in closed)

    def inner(self, key: Key) -> Iterator[Key]:
        """R2: yield the calls below a span with no call and no container between them."""
        spans = self.spans
        return (
            below
            for below in self._walk(key, lambda at: spans[at].role not in CALLS and not is_barrier(spans[at]))
            if spans[below].role in CALLS
        )

    def outer(self, key: Key) -> Key | None:
        """R2: return the nearest call above a span with no container between them."""
        for above in self.ancestors(key):
            span = self.spans[above]
            if span.role in CALLS:
                return above
            if is_barrier(span):
                return None
        return None

    def mates(self, key: Key) -> list[Key]:
        """Return the spans with which R1, R3 or R3b may join a call, at whatever remove."""
        span = self.spans[key]
        found: list[Key] = []
        tied = tie(span)
        if tied is not None:
            line = self._tied[tied]
            run = line.run(line.index(span), RESPONSE_ID.tolerance_ns)
            found += _keys(span.tenant, line.places if line.fetched else line.places[slice(*run)])
        siblings = self._siblings[_parent(span)]
        if span.parent_id and len(siblings.scopes) > 1:
            run = siblings.run(siblings.index(span), SIBLINGS.tolerance_ns)
            found += _keys(span.tenant, siblings.places[slice(*run)])
        if _waits_beside(span):
            partner = self._partner(span)
            found += [] if partner is None else [partner]
        return [one for one in found if one != key]

    def tied_runs(self, tied: Tie) -> Iterator[list[Key]]:
        """R1: yield the spans with one response id, those together that may be joined: runs, unless one was fetched."""
        line = self._tied[tied]
        first = 0
        while first < len(line.places):
            after = len(line.places) if line.fetched else line.run(first, RESPONSE_ID.tolerance_ns)[1]
            yield _keys(tied[0], line.places[first:after])
            first = after

    def _walk(self, key: Key, enters: Callable[[Key], bool]) -> Iterator[Key]:
        """Yield what is below a span, level by level; below those among it that ``enters`` accepts."""
        seen = {key}
        waiting = deque([key])
        while waiting:
            for below in self._below.get(waiting.popleft(), ()):
                if below not in seen:
                    seen.add(below)
                    yield below
                    if enters(below):
                        waiting.append(below)

    def _partners_changed_by(self, span: Extracted) -> set[Key]:
        """Return the spans beside each other that are paired otherwise with a span than without it.

        With it, it takes a partner; who had that partner without it takes the next one, and so on.
        """
        changed: set[Key] = set()
        at: Key | None = span.key
        while at is not None:
            partner = self._partner(self.spans[at])
            if partner is None:
                break
            at = self._partner(self.spans[partner], without=span)
            changed |= {partner} if at is None else {partner, at}
        return changed

    def _partner(self, span: Extracted, without: Extracted | None = None) -> Key | None:
        """Return the call of the evidence beside it, or the other way round: they nest like brackets."""
        line = self._beside[_parent(span), span.scope]
        opens = takes_evidence_beside(span)
        at = bisect_left(line, (place_of(span), opens))
        left_out = None if without is None else place_of(without)
        depth = 0
        for place, other_opens in line[at + 1 :] if opens else reversed(line[:at]):
            if place == left_out:
                continue
            if other_opens == opens:
                depth += 1
            elif depth:
                depth -= 1
            else:
                return (span.tenant, place[2], place[3])
        return None


def _parent(span: Extracted) -> Key:
    return (span.tenant, span.trace_id, span.parent_id)


def _waits_beside(span: Extracted) -> bool:
    return takes_evidence_beside(span) or is_evidence_beside(span)


def _keys(tenant: str, places: Sequence[Place]) -> list[Key]:
    return [(tenant, trace_id, span_id) for _, _, trace_id, span_id in places]
