"""Whom a call was made for: tollspan's own words over others', the nearest span first, then the resource."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from tollspan import semconv
from tollspan_rater.domain.call import Conflict, Extracted
from tollspan_rater.extract.aliases import ALIAS_PREFIX, TAGS
from tollspan_rater.extract.tree import Forest

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Word:
    """What one span (``at``, its index) says of a key, itself or through its resource."""

    value: str
    at: int
    by_resource: bool = False


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two words for one key on one level; the first one holds."""

    key: str
    held: Word
    other: Word


@dataclass(frozen=True, slots=True)
class Resolved:
    """Attribution key -> the word that holds, and the disagreements that it was chosen from."""

    words: Mapping[str, Word]
    disagreements: tuple[Disagreement, ...] = ()

    @property
    def values(self) -> dict[str, str]:
        """Attribution key -> value."""
        return {key: word.value for key, word in self.words.items()}

    @property
    def flags(self) -> tuple[str, ...]:
        """A flag for each key on which one level disagrees."""
        return tuple(sorted({f"conflict:{one.key}" for one in self.disagreements}))

    def conflicts(self, spans: Sequence[Extracted]) -> tuple[Conflict, ...]:
        """Return the disagreements with both values and their spans."""
        return tuple(
            Conflict(one.key, one.held.value, spans[one.held.at].member, one.other.value, spans[one.other.at].member)
            for one in self.disagreements
        )


# Key as stored in ``Extracted.said`` -> the nearest word, and the depth of its span in its tree.
Heard = Mapping[str, tuple[Word, int]]

_NOBODY: Final[Heard] = {}


class Ancestry:
    """What each span hears from itself and the spans above it, the nearest word of each key."""

    def __init__(self, forest: Forest) -> None:
        self._spans = forest.spans
        self._parent = forest.parent
        self._depth = forest.inherited(-1, lambda _, above: above + 1)
        self._heard = forest.inherited(_NOBODY, self._hear)

    def above(self, at: int) -> dict[str, tuple[Word, int]]:
        """Return what a span hears from above: key -> (word, how many steps away)."""
        parent = self._parent[at]
        if parent < 0:
            return {}
        return {key: (word, self._depth[at] - depth) for key, (word, depth) in self._heard[parent].items()}

    def _hear(self, at: int, above: Heard) -> Heard:
        said = self._spans[at].said
        if not said:
            return above
        depth = self._depth[at]
        heard = {**above, **{key: (Word(value, at), depth) for key, value in said.items()}}
        return _few_tags(heard)


def _few_tags(heard: dict[str, tuple[Word, int]]) -> Heard:
    """Keep the nearest 16 free dimensions, so that a deep trace cannot grow what each span carries."""
    tags = [key for key in heard if key.startswith(TAGS)]
    if len(tags) > semconv.MAX_TAGS:
        tags.sort(key=lambda key: (-heard[key][1], key))
        for key in tags[semconv.MAX_TAGS :]:
            del heard[key]
    return heard


def resolved(ancestry: Ancestry, spans: Sequence[Extracted], members: Sequence[int]) -> Resolved:
    """Return whom a call was made for.

    ``members`` are the call's views, the representing one first. Levels, nearest first: the representing span,
    its views, the spans above any of them by distance, the resources. Per key, tollspan's own name on any level
    stands above foreign names on every level.
    """
    nearest: dict[str, Word] = {}
    disagreements: list[Disagreement] = []
    for level in _levels(ancestry, spans, members):
        heard: dict[str, Word] = {}
        for key, word in level:
            if key in nearest:
                continue
            if heard.setdefault(key, word).value != word.value:
                disagreements.append(Disagreement(key, heard[key], word))
        nearest.update(heard)
    words = _own_over_foreign(nearest)
    return Resolved(words, tuple(_that_count(disagreements, words)) if disagreements else ())


def said_alone(span: Extracted) -> dict[str, str]:
    """Return attribution key -> value for a span with nothing beside or above it: its word, then its resource's."""
    return _own_over_foreign({**span.resource_said, **span.said})


def _that_count(disagreements: Iterable[Disagreement], words: Mapping[str, Word]) -> Iterable[Disagreement]:
    """Yield the disagreements from which the words that hold were chosen, each pair of values once."""
    seen = set()
    for one in disagreements:
        key = one.key.removeprefix(ALIAS_PREFIX)
        if words[key] is one.held and (key, one.other.value) not in seen:
            seen.add((key, one.other.value))
            yield replace(one, key=key)


def _own_over_foreign(nearest: Mapping[str, T]) -> dict[str, T]:
    result = {key: said for key, said in nearest.items() if not key.startswith(ALIAS_PREFIX)}
    if len(result) < len(nearest):
        for key, said in nearest.items():
            if key.startswith(ALIAS_PREFIX):
                result.setdefault(key.removeprefix(ALIAS_PREFIX), said)
    return result


def _levels(
    ancestry: Ancestry, spans: Sequence[Extracted], members: Sequence[int]
) -> Iterable[Iterable[tuple[str, Word]]]:
    """Yield what is said on each level; within one, members come in order of their rank."""
    yield _said(spans, members[:1])
    if len(members) > 1:
        yield _said(spans, members[1:])
    by_distance: dict[int, list[tuple[str, Word]]] = {}
    parents: set[tuple[str, str, str]] = set()
    for at in members:
        span = spans[at]
        if (span.tenant, span.trace_id, span.parent_id) in parents:
            continue
        parents.add((span.tenant, span.trace_id, span.parent_id))
        for key, (word, distance) in ancestry.above(at).items():
            by_distance.setdefault(distance, []).append((key, word))
    for distance in sorted(by_distance):
        yield by_distance[distance]
    yield ((key, Word(value, at, by_resource=True)) for at in members for key, value in spans[at].resource_said.items())


def _said(spans: Sequence[Extracted], members: Sequence[int]) -> Iterable[tuple[str, Word]]:
    return ((key, Word(value, at)) for at in members for key, value in spans[at].said.items())
