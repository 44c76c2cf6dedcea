"""Which spans show the same physical call: by response id, among siblings, beside the call, by ancestry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.fates import Role
from tollspan_rater.extract.dialects.registry import evidence_beside_call
from tollspan_rater.extract.pairing import CANDIDATES, Rule, pair
from tollspan_rater.extract.response_id import Tie, tie
from tollspan_rater.extract.same_call import metered_twice, same_nested, same_response, same_sibling
from tollspan_rater.extract.tree import Forest

RESPONSE_ID: Final = Rule("response id", same_response, tolerance_ns=1_000_000_000, ever=True)  # clocks of two hosts
SIBLINGS: Final = Rule("siblings", same_sibling, tolerance_ns=5_000_000)
BESIDE: Final = "beside"
ANCESTRY: Final = "ancestry"

CALLS: Final = frozenset({Role.CALL, Role.EVIDENCE})
ID_REUSE: Final = "id_reuse"
CONTAINER: Final = "container"
GATEWAY: Final = "possible_gateway_duplicate"  # a record of ours around another one: a hop that was metered twice?

Key = tuple[str, str, str]  # of a span: tenant, trace id, span id


@dataclass(frozen=True, slots=True)
class Around:
    """What is known of spans that are not in the set, where the set is a part of what hangs together.

    Args:
        reused: response ids that other calls, which are not in the set, carry as well.
        containers: calls below which more than one other call stands.
        busy: spans below which a call was measured.
    """

    reused: frozenset[Tie] = frozenset()
    containers: frozenset[Key] = frozenset()
    busy: frozenset[Key] = frozenset()


NOTHING_AROUND: Final = Around()


@dataclass(frozen=True, slots=True)
class Join:
    """Two spans, by index, that a rule found to be one call."""

    one: int
    other: int
    rule: str


class Clusters:
    """Groups of spans that show one call each, with the joins that made them and what was noted on the way."""

    def __init__(self, spans: Sequence[Extracted], members: Iterable[int]) -> None:
        self.spans = spans
        self.of = {at: [at] for at in members}
        self.flags: dict[int, set[str]] = defaultdict(set)
        self.joins: list[Join] = []

    def join(self, one: int, other: int, rule: str) -> None:
        """Make one group of the groups of two spans."""
        kept, added = self.of[one], self.of[other]
        if kept is added:
            return
        self.joins.append(Join(one, other, rule))
        if len(kept) < len(added):
            kept, added = added, kept
        kept.extend(added)
        for at in added:
            self.of[at] = kept

    def groups(self) -> list[list[int]]:
        """Return all groups, each in canonical order, in the order of their first members."""
        distinct = {id(group): group for group in self.of.values()}
        return sorted(sorted(group) for group in distinct.values())


def cluster(forest: Forest, around: Around = NOTHING_AROUND) -> Clusters:
    """Group the spans with role CALL or EVIDENCE into physical calls."""
    spans = forest.spans
    calls = [at for at, span in enumerate(spans) if span.role in CALLS]
    clusters = Clusters(spans, calls)
    _by_response_id(clusters, calls, around)
    _among_siblings(clusters, calls)
    _beside_their_call(clusters, calls)
    _by_ancestry(clusters, forest, calls, around)
    return clusters


def is_barrier(span: Extracted) -> bool:
    """Tell whether a span keeps the calls below it apart from a call above it: a container of several."""
    role = span.role if span.ruled is None else span.ruled.role  # a rule makes no other span of it
    return role is Role.AGGREGATE


def is_decided(span: Extracted) -> bool:
    """Tell whether no container above stands in for a span's usage: it is a unit, or its call is billed elsewhere."""
    if span.ruled is not None and span.billed_elsewhere:
        return span.usage.measured or span.ruled.role in CALLS
    return span.role is Role.UNIT and span.usage.measured


def takes_evidence_beside(span: Extracted) -> bool:
    """Tell whether a span is a streamed call without usage, in a dialect that writes it on a span beside the call."""
    return span.role is Role.CALL and not span.usage.measured and evidence_beside_call(span.scope)


def is_evidence_beside(span: Extracted) -> bool:
    """Tell whether a span holds the usage of a call beside it."""
    return span.role is Role.EVIDENCE and evidence_beside_call(span.scope)


def _by_response_id(clusters: Clusters, calls: Sequence[int], around: Around) -> None:
    """R1: the same response id, seen by different scopes or fetched again; else two calls and a flag."""
    by_id: dict[Tie, list[int]] = defaultdict(list)
    for at in calls:
        tied = tie(clusters.spans[at])
        if tied is not None:
            by_id[tied].append(at)
    for tied, group in by_id.items():
        pair(clusters, group, RESPONSE_ID)
        first = clusters.of[group[0]]
        if tied in around.reused or any(clusters.of[at] is not first for at in group):
            for at in group:
                clusters.flags[at].add(ID_REUSE)


def _among_siblings(clusters: Clusters, calls: Sequence[int]) -> None:
    """R3: different scopes under one parent at one time with one outcome."""
    spans = clusters.spans
    by_parent: dict[Key, list[int]] = defaultdict(list)
    for at in calls:
        if spans[at].parent_id:
            by_parent[spans[at].tenant, spans[at].trace_id, spans[at].parent_id].append(at)
    for group in by_parent.values():
        if len({spans[at].scope for at in group}) > 1:
            # Equal outputs first: a failed attempt must not take the view of its successor.
            pair(clusters, group, SIBLINGS, by_output=True)
            pair(clusters, group, SIBLINGS)


def _beside_their_call(clusters: Clusters, calls: Sequence[int]) -> None:
    """R3b: usage that a dialect writes on a span beside the streamed call belongs to the last one without any."""
    waiting: dict[tuple[Key, str], list[int]] = defaultdict(list)
    for at in calls:
        span = clusters.spans[at]
        place = ((span.tenant, span.trace_id, span.parent_id), span.scope)
        if takes_evidence_beside(span):
            waiting[place].append(at)
        elif waiting[place] and is_evidence_beside(span):
            clusters.join(waiting[place].pop(), at, BESIDE)


def _by_ancestry(clusters: Clusters, forest: Forest, calls: Sequence[int], around: Around) -> None:
    """R2: a call with exactly one call below it is that call; one with several is a container of them."""
    spans = forest.spans
    member = set(calls)
    nearest = forest.inherited(-1, lambda at, above: _barrier(at, above, spans, member))
    below: dict[int, list[int]] = defaultdict(list)
    for at in calls:
        parent = forest.parent[at]
        outer = nearest[parent] if parent >= 0 else -1
        if outer >= 0:
            below[outer].append(at)
    for outer in reversed(forest.top_down):
        if outer in member and spans[outer].key in around.containers:
            clusters.flags[outer].add(CONTAINER)
        elif outer in below:
            _contain(clusters, outer, below[outer])


def _barrier(at: int, above: int, spans: Sequence[Extracted], calls: set[int]) -> int:
    """Return the call that a child of this span is in: itself, the one above, or none behind a container."""
    if at in calls:
        return at
    return -1 if is_barrier(spans[at]) else above


def _contain(clusters: Clusters, outer: int, inner: Sequence[int]) -> None:
    groups = {id(clusters.of[at]) for at in inner}
    if id(clusters.of[outer]) in groups:
        return
    if len(groups) > 1 or all(CONTAINER in clusters.flags[at] for at in inner):
        clusters.flags[outer].add(CONTAINER)
        return
    views = [clusters.spans[at] for at in clusters.of[inner[0]][:CANDIDATES]]
    if all(same_nested(clusters.spans[outer], view) for view in views):
        clusters.join(outer, inner[0], ANCESTRY)
    elif any(metered_twice(clusters.spans[outer], view) for view in views):
        for at in (outer, inner[0]):
            clusters.flags[at].add(GATEWAY)
