"""The views of each call: what the clustering rules join, and containers where no call below them says anything."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tollspan_rater.domain.fates import Role
from tollspan_rater.extract.cluster import CONTAINER, Around, Clusters, is_decided
from tollspan_rater.extract.tree import Forest


@dataclass(frozen=True, slots=True)
class Group:
    """The spans of one call, by index, and the flags that grouping gave."""

    members: tuple[int, ...]
    flags: frozenset[str]


def grouped(forest: Forest, clusters: Clusters, around: Around) -> list[Group]:
    """Return the views of each call, aggregates that must stand in included."""
    containers = {at for at, flags in clusters.flags.items() if CONTAINER in flags}
    groups: list[list[int]] = []
    hollow: set[int] = set()
    for group in clusters.groups():
        if containers.issuperset(group) or _says_nothing(forest, containers, group):
            hollow.update(group)
        else:
            groups.append(group)
    stand_in = _aggregates_without_calls(forest, groups, hollow, around)
    alone = _only_call_below(forest, groups, stand_in)
    for at, group in alone.items():
        group.append(at)
    groups += [[at] for at in stand_in if at not in alone]
    standing = dict.fromkeys(stand_in, frozenset({"aggregate"}))
    return [Group(tuple(group), _flags(clusters, standing, group)) for group in groups]


def _says_nothing(forest: Forest, containers: set[int], group: Sequence[int]) -> bool:
    """Tell whether a group is a container of several calls, seen by others as well, and nobody measured anything."""
    return not containers.isdisjoint(group) and not any(forest.spans[at].usage.measured for at in group)


def _flags(clusters: Clusters, standing: Mapping[int, frozenset[str]], group: Sequence[int]) -> frozenset[str]:
    grouped = {flag for at in group for flag in clusters.flags.get(at, ())} - {CONTAINER}
    return frozenset(grouped.union(*(standing.get(at, frozenset()) for at in group)))


def _only_call_below(forest: Forest, groups: Sequence[list[int]], stand_in: Sequence[int]) -> dict[int, list[int]]:
    """Return for each standing aggregate the one unmeasured call below it, when there is exactly one."""
    standing = set(stand_in)
    over = forest.inherited(-1, lambda at, above: at if at in standing else above)
    below: dict[int, list[list[int]]] = {}
    for group in groups:
        for at in {over[one] for one in group} - {-1}:
            below.setdefault(at, []).append(group)
    return {at: found[0] for at, found in below.items() if len(found) == 1}


def _aggregates_without_calls(
    forest: Forest, groups: Sequence[Sequence[int]], hollow: set[int], around: Around
) -> list[int]:
    """R4: the outermost containers with usage below and above which no call has any."""
    spans = forest.spans
    measured = {at for group in groups if any(spans[one].usage.measured for one in group) for at in group}
    decided = {at for at, span in enumerate(spans) if is_decided(span)}
    busy_below = bytearray(len(spans))
    known = [at for at, span in enumerate(spans) if span.key in around.busy] if around.busy else []
    for start in itertools.chain((forest.parent[at] for at in measured | decided), known):
        above = start
        while above >= 0 and not busy_below[above]:
            busy_below[above] = 1
            above = forest.parent[above]
    candidate = [
        (span.role is Role.AGGREGATE or at in hollow) and bool(span.usage.total) and not busy_below[at]
        for at, span in enumerate(spans)
    ]
    # What is below a view without authority may be the view that has it.
    measured |= {at for at in decided if not spans[at].billed_elsewhere}
    covered = forest.inherited(False, lambda at, above: above or candidate[at] or at in measured)  # noqa: FBT003
    return [
        at for at in range(len(spans)) if candidate[at] and not (forest.parent[at] >= 0 and covered[forest.parent[at]])
    ]
