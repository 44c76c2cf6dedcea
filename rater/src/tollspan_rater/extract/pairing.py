"""Pairing spans in order of start: each joins the open cluster that fits it best, or opens one of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from tollspan_rater.domain.call import Extracted

CANDIDATES: Final = 24  # partners looked at for one span, so that ten thousand siblings settle in linear time


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that pairs spans.

    Args:
        name: as it is shown to people.
        same: whether two spans may be one call.
        tolerance_ns: by how much their times may miss each other.
        ever: a span that only fetches what another made pairs at any time.
    """

    name: str
    same: Callable[[Extracted, Extracted], bool]
    tolerance_ns: int
    ever: bool = False


class Groups(Protocol):
    """What pairing needs of the clusters that it makes."""

    @property
    def spans(self) -> Sequence[Extracted]:
        """The spans, in canonical order."""
        ...

    @property
    def of(self) -> Mapping[int, list[int]]:
        """Index of a span -> the cluster that it is in."""
        ...

    def join(self, one: int, other: int, rule: str) -> None:
        """Make one cluster of the clusters of two spans."""
        ...


class _Open:
    """A cluster that later spans of the group may still join."""

    __slots__ = ("_until_ns", "at", "fetched", "scopes")

    def __init__(self, groups: Groups, at: int) -> None:
        self.at = at
        self._until_ns = groups.spans[at].end_ns
        self.look(groups, at)

    def look(self, groups: Groups, joined: int) -> None:
        """Take in a span of the group that has joined, and what else the cluster has become by it."""
        self._until_ns = max(self._until_ns, groups.spans[joined].end_ns)
        members = [groups.spans[one] for one in groups.of[self.at][:CANDIDATES]]
        self.fetched = any(one.retrieve for one in members)
        self.scopes = {one.scope for one in members}

    def closed_to(self, span: Extracted, rule: Rule) -> bool:
        """Tell whether a span, and every later one of its scope, is too late or has its scope's place taken."""
        if rule.ever and (self.fetched or span.retrieve):
            return False
        return span.scope in self.scopes or self._until_ns + rule.tolerance_ns < span.start_ns


class _Row:
    """Open clusters in order of start. A cursor for each scope passes what is closed to it for good."""

    def __init__(self) -> None:
        self.heads: list[_Open] = []
        self._cursors: dict[str, int] = {}

    def near(self, span: Extracted, rule: Rule) -> list[_Open]:
        """Return the first open clusters that a span may join, a bounded number."""
        anywhere = rule.ever and span.retrieve
        first = 0 if anywhere else self._cursors.get(span.scope, 0)
        while first < len(self.heads) and self.heads[first].closed_to(span, rule):
            first += 1
        if not anywhere:
            self._cursors[span.scope] = first
        window = self.heads[first : first + CANDIDATES]
        return [head for head in window if not head.closed_to(span, rule)]


def pair(groups: Groups, spans: Sequence[int], rule: Rule, *, by_output: bool = False) -> None:
    """Join each of some spans to the open cluster that fits it best.

    They are in order of start, so that the result depends on the set alone. ``by_output`` compares only spans with
    equal output, so that equal calls find each other among thousands. Spans between which there is a gap that nothing
    spans (``tolerance_ns`` included, and nothing fetched) leave no trace in each other's result.
    """
    rows: dict[int | None, _Row] = defaultdict(_Row)
    for at in spans:
        span = groups.spans[at]
        row = rows[span.usage.output if by_output else None]
        fitting = [head for head in row.near(span, rule) if _fits(groups, head, at, rule)]
        if fitting:
            best = min(fitting, key=lambda head: _distance(groups.spans[head.at], span))
            groups.join(best.at, at, rule.name)
            best.look(groups, at)
        else:
            row.heads.append(_Open(groups, at))


def _fits(groups: Groups, head: _Open, at: int, rule: Rule) -> bool:
    theirs, mine = groups.of[head.at], groups.of[at]
    if theirs is mine:
        return True
    return all(
        rule.same(groups.spans[one], groups.spans[other]) for one in theirs[:CANDIDATES] for other in mine[:CANDIDATES]
    )


def _distance(head: Extracted, span: Extracted) -> tuple[bool, int, str]:
    return (head.usage.output != span.usage.output, abs(head.start_ns - span.start_ns), head.span_id)
