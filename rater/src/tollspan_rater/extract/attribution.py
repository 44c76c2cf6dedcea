"""Whom a call was made for: tollspan's own words over others', the nearest span first, then the resource."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from tollspan import semconv
from tollspan_rater.domain.call import Extracted
from tollspan_rater.extract.aliases import ALIAS_PREFIX, TAGS
from tollspan_rater.extract.tree import Forest

# Key as stored in ``Extracted.said`` -> (value, depth of the span that says so in its tree).
Heard = Mapping[str, tuple[str, int]]

_NOBODY: Final[Heard] = {}


class Ancestry:
    """What each span hears from itself and the spans above it, the nearest word of each key."""

    def __init__(self, forest: Forest) -> None:
        self._spans = forest.spans
        self._parent = forest.parent
        self._depth = forest.inherited(-1, lambda _, above: above + 1)
        self._heard = forest.inherited(_NOBODY, self._hear)

    def above(self, at: int) -> dict[str, tuple[str, int]]:
        """Return what a span hears from above: key -> (value, how many steps away)."""
        parent = self._parent[at]
        if parent < 0:
            return {}
        return {key: (value, self._depth[at] - depth) for key, (value, depth) in self._heard[parent].items()}

    def _hear(self, at: int, above: Heard) -> Heard:
        said = self._spans[at].said
        if not said:
            return above
        depth = self._depth[at]
        heard = {**above, **{key: (value, depth) for key, value in said.items()}}
        return _few_tags(heard)


def _few_tags(heard: dict[str, tuple[str, int]]) -> Heard:
    """Keep the nearest 16 free dimensions, so that a deep trace cannot grow what each span carries."""
    tags = [key for key in heard if key.startswith(TAGS)]
    if len(tags) > semconv.MAX_TAGS:
        tags.sort(key=lambda key: (-heard[key][1], key))
        for key in tags[semconv.MAX_TAGS :]:
            del heard[key]
    return heard


def resolved(
    ancestry: Ancestry, spans: Sequence[Extracted], members: Sequence[int]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return attribution key -> value for a call, and a flag for each key on which one level disagrees.

    ``members`` are the call's views, the representing one first. Levels, nearest first: the representing span,
    its views, the spans above any of them by distance, the resources. Per key, tollspan's own name on any level
    stands above foreign names on every level.
    """
    nearest: dict[str, str] = {}
    conflicts: set[str] = set()
    for level in _levels(ancestry, spans, members):
        heard: dict[str, str] = {}
        for key, value in level:
            if key in nearest:
                continue
            if heard.setdefault(key, value) != value:
                conflicts.add(key)
        nearest.update(heard)
    result = _own_over_foreign(nearest)
    held = {_decided_by(key, nearest) for key in result}
    return result, tuple(sorted(f"conflict:{key.removeprefix(ALIAS_PREFIX)}" for key in conflicts & held))


def said_alone(span: Extracted) -> dict[str, str]:
    """Return attribution key -> value for a span with nothing beside or above it: its word, then its resource's."""
    return _own_over_foreign({**span.resource_said, **span.said})


def _own_over_foreign(nearest: Mapping[str, str]) -> dict[str, str]:
    result = {key: value for key, value in nearest.items() if not key.startswith(ALIAS_PREFIX)}
    if len(result) < len(nearest):
        for key, value in nearest.items():
            if key.startswith(ALIAS_PREFIX):
                result.setdefault(key.removeprefix(ALIAS_PREFIX), value)
    return result


def _decided_by(key: str, nearest: Mapping[str, str]) -> str:
    return key if key in nearest else ALIAS_PREFIX + key


def _levels(
    ancestry: Ancestry, spans: Sequence[Extracted], members: Sequence[int]
) -> Iterable[Iterable[tuple[str, str]]]:
    """Yield what is said on each level; within one, members come in order of their rank."""
    yield spans[members[0]].said.items()
    if len(members) > 1:
        yield (item for at in members[1:] for item in spans[at].said.items())
    by_distance: dict[int, list[tuple[str, str]]] = {}
    parents: set[tuple[str, str, str]] = set()
    for at in members:
        span = spans[at]
        if (span.tenant, span.trace_id, span.parent_id) in parents:
            continue
        parents.add((span.tenant, span.trace_id, span.parent_id))
        for key, (value, distance) in ancestry.above(at).items():
            by_distance.setdefault(distance, []).append((key, value))
    for distance in sorted(by_distance):
        yield by_distance[distance]
    yield (item for at in members for item in spans[at].resource_said.items())
