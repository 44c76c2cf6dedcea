"""Which traces hang together: those of one tenant that share a response id."""

from __future__ import annotations

from tollspan_rater.pipeline.component import Trace


class Connections:
    """Joins traces that share a response id."""

    def __init__(self) -> None:
        self._above: dict[Trace, Trace] = {}
        self._by_link: dict[tuple[str, int], Trace] = {}

    def __contains__(self, trace: object) -> bool:
        return trace in self._above

    def add(self, trace: Trace, link: int | None) -> None:
        """Add a trace, joined with all other traces of its tenant that have the same link key."""
        self._above.setdefault(trace, trace)
        if link is not None:
            self.join(trace, self._by_link.setdefault((trace[0], link), trace))

    def join(self, one: Trace, other: Trace) -> None:
        """Say that two traces hang together."""
        for trace in (one, other):
            self._above.setdefault(trace, trace)
        self._above[self.root(one)] = self.root(other)

    def root(self, trace: Trace) -> Trace:
        """Return the trace that stands for all that hang together with another."""
        above = self._above
        while above[trace] != trace:
            above[trace] = above[above[trace]]
            trace = above[trace]
        return trace
