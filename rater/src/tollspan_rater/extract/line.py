"""Spans in order of start, with the ends seen so far: which of them hang together in time."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter

from tollspan_rater.domain.call import Extracted

Place = tuple[int, int, str, str]  # start, end, trace id, span id: the canonical order of spans


def place_of(span: Extracted) -> Place:
    """Return where a span stands in canonical order."""
    return (span.start_ns, span.end_ns, span.trace_id, span.span_id)


class Line:
    """Spans of one tenant in canonical order; a *run* is a stretch of them without a gap that nothing spans."""

    __slots__ = ("_until", "fetched", "places", "scopes")

    def __init__(self) -> None:
        self.places: list[Place] = []
        self._until: list[int] = []  # the latest end up to here
        self.scopes: Counter[str] = Counter()
        self.fetched = 0  # how many of them only fetch what another made

    def add(self, span: Extracted) -> None:
        """Take in a span that is not there yet."""
        place = place_of(span)
        at = bisect_left(self.places, place)
        self.places.insert(at, place)
        self._until.insert(at, -1)
        self._look_again(at)
        self.scopes[span.scope] += 1
        self.fetched += span.retrieve

    def remove(self, span: Extracted) -> None:
        """Take out a span that is there."""
        at = bisect_left(self.places, place_of(span))
        del self.places[at]
        del self._until[at]
        self._look_again(at)
        self.scopes[span.scope] -= 1
        if not self.scopes[span.scope]:
            del self.scopes[span.scope]
        self.fetched -= span.retrieve

    def run(self, at: int, tolerance_ns: int) -> tuple[int, int]:
        """Return the bounds of the run that the span at an index is in: its first index, and the one after its last."""
        first, after = at, at + 1
        while first > 0 and not self._gap_before(first, tolerance_ns):
            first -= 1
        while after < len(self.places) and not self._gap_before(after, tolerance_ns):
            after += 1
        return first, after

    def index(self, span: Extracted) -> int:
        """Return the index of a span that is there."""
        return bisect_left(self.places, place_of(span))

    def _gap_before(self, at: int, tolerance_ns: int) -> bool:
        return self._until[at - 1] + tolerance_ns < self.places[at][0]

    def _look_again(self, at: int) -> None:
        """Bring the latest ends up to date from an index on, up to where they are right again."""
        until = self._until[at - 1] if at else -1
        for later in range(at, len(self.places)):
            until = max(until, self.places[later][1])
            if self._until[later] == until:
                return
            self._until[later] = until
