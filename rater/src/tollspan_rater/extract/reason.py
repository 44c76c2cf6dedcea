"""Why a call is what it is: what joined its members, which view's numbers won, who said for whom it was made."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tollspan_rater.domain.call import Call, Extracted
from tollspan_rater.extract.attribution import Ancestry, resolved
from tollspan_rater.extract.cluster import NOTHING_AROUND, Clusters, cluster
from tollspan_rater.extract.group import Group, grouped
from tollspan_rater.extract.settle import call_of
from tollspan_rater.extract.tree import Forest, distinct
from tollspan_rater.extract.views import Filling, evidence_of, seen_together

AGGREGATE: Final = "aggregate"  # a container that stands in for the one call below it, which nobody measured


@dataclass(frozen=True, slots=True)
class Member:
    """A span of a call: ``joined_by`` a rule to the member ``joined_to``; both None for the representing one.

    ``fills`` names the meters that the call took from this span because the chosen one leaves them unknown.
    """

    span: Extracted
    joined_by: str | None
    joined_to: str | None
    fills: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """Where an attribution value stands: the span ``member``, or the resource of that span."""

    value: str
    member: str
    by_resource: bool


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a call is what it is.

    ``members`` stand in the order of ``call.members``, the representing one first. ``won_by`` says why the span
    ``call.evidence`` gives the usage: "only measured view", "rank", "quality" (the better one of two with one rank),
    "first" (of equal ones), or "unmeasured". ``said`` maps attribution keys (``tags.NAME`` included) to their source.
    """

    call: Call
    members: tuple[Member, ...]
    won_by: str
    said: Mapping[str, Source]


def reasons(spans: Iterable[Extracted]) -> dict[str, Reason]:
    """Return call id -> reason for all calls (not units) of a set of spans that hang together; as ``settle``."""
    forest = Forest(distinct(spans))
    ancestry = Ancestry(forest)
    clusters = cluster(forest)
    found = [_reason(forest.spans, ancestry, clusters, group) for group in grouped(forest, clusters, NOTHING_AROUND)]
    return {reason.call.call_id: reason for reason in found}


def sources(spans: Iterable[Extracted], member: str) -> dict[str, Source]:
    """Return who said each attribution key of one span, such as a unit measure, among spans that hang together."""
    forest = Forest(distinct(spans))
    found = [at for at, span in enumerate(forest.spans) if span.member == member]
    return _sources(forest.spans, Ancestry(forest), found) if found else {}


def _sources(spans: Sequence[Extracted], ancestry: Ancestry, members: Sequence[int]) -> dict[str, Source]:
    words = resolved(ancestry, spans, members).words
    return {key: Source(word.value, spans[word.at].member, word.by_resource) for key, word in words.items()}


def _reason(spans: Sequence[Extracted], ancestry: Ancestry, clusters: Clusters, group: Group) -> Reason:
    call = call_of(spans, ancestry, group)
    index = {spans[at].member: at for at in group.members}
    order = [index[member] for member in call.members]
    views = [spans[at] for at in order]
    chosen = evidence_of(views)
    filled = seen_together(views, chosen).filled
    joined = _joined(clusters, order)
    return Reason(
        call,
        tuple(_member(spans, at, joined, filled) for at in order),
        _won_by(views, chosen),
        _sources(spans, ancestry, order),
    )


def _member(
    spans: Sequence[Extracted], at: int, joined: Mapping[int, tuple[str, int]], filled: Sequence[Filling]
) -> Member:
    fills = tuple(one.meter for one in filled if one.by is spans[at])
    if at not in joined:
        return Member(spans[at], None, None, fills)
    rule, to = joined[at]
    return Member(spans[at], rule, spans[to].member, fills)


def _joined(clusters: Clusters, order: Sequence[int]) -> dict[int, tuple[str, int]]:
    """Return for each member but the first the rule that ties it and to whom, on the shortest way to the first."""
    beside: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
    members = set(order)
    for join in clusters.joins:
        if join.one in members and join.other in members:
            beside[join.one].append((join.rule, join.other))
            beside[join.other].append((join.rule, join.one))
    found: dict[int, tuple[str, int]] = {}
    waiting = deque(order[:1])
    while waiting:
        at = waiting.popleft()
        for rule, other in beside[at]:
            if other not in found and other != order[0]:
                found[other] = (rule, at)
                waiting.append(other)
    return {at: found.get(at, (AGGREGATE, order[0])) for at in order[1:]}


def _won_by(views: Sequence[Extracted], chosen: Extracted) -> str:
    measured = [view for view in views if view.usage.measured]
    if not measured:
        return "unmeasured"
    if len(measured) == 1:
        return "only measured view"
    rivals = [view for view in measured if view.rank == chosen.rank and view is not chosen]
    if not rivals:
        return "rank"
    return "quality" if any(view.quality != chosen.quality for view in rivals) else "first"
