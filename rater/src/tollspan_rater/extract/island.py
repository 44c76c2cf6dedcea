"""What new spans can change: the calls that hang together with them, and what must be known around these.

A trace is settled again only as far as a new span reaches. Everything outside is either untouched by it, or enters as
one fact: that a response id is used elsewhere, that a call contains others, that a container has measured calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from tollspan_rater.domain.call import Call, Extracted
from tollspan_rater.domain.fates import Role
from tollspan_rater.extract.cluster import CALLS, Around, Key, is_decided
from tollspan_rater.extract.response_id import Tie, tie
from tollspan_rater.extract.span_index import SpanIndex, speaks

SMALL: Final = 32  # spans below a call that are settled with it, rather than looking for a way around them
WITNESSES: Final = 2  # other calls below a container, apart from each other, by which it stays one whatever changes
NEAR: Final = 48  # spans that such another call may hang together with
TRIES: Final = 8  # calls below a container that are looked at for that


@dataclass(frozen=True, slots=True)
class Island:
    """A part of what hangs together that can be settled by itself.

    ``core`` are the spans whose calls may have changed; all members of these calls are among them. ``spans`` are the
    core and everything above it.
    """

    core: frozenset[Key]
    spans: tuple[Extracted, ...]
    around: Around

    def settled(self, settle: Callable[[Iterable[Extracted], Around], list[Call]]) -> list[Call]:
        """Return the calls and units of the core."""
        members = {f"{trace_id}:{span_id}" for _, trace_id, span_id in self.core}
        return [call for call in settle(self.spans, self.around) if call.members[0] in members]


def island_of(index: SpanIndex, news: Iterable[Key], also: Iterable[Key] = ()) -> Island:
    """Return the island of some spans of the index.

    Args:
        index: all spans that hang together.
        news: those that are new, or another version than before.
        also: those whose calls are to be settled again with them.
    """
    return _Search(index).island(news, also)


def arrived(index: SpanIndex, news: Iterable[Extracted]) -> Island:
    """Take new spans, or other versions of spans, into an index; return the island of calls that this can change."""
    newest = {span.key: span for span in news}
    replaced = newest.keys() & index.spans.keys()
    also = set(island_of(index, replaced).core) if replaced else set()
    for key in replaced:
        also |= index.remove(key)
    for span in newest.values():
        also |= index.add(span)
    return island_of(index, newest, also | replaced)


class _Search:
    """Follows everything by which one span decides on another's call, until nothing more is reached."""

    def __init__(self, index: SpanIndex) -> None:
        self._index = index
        self._core: set[Key] = set()
        self._waiting: list[Key] = []
        self._whole: set[Key] = set()  # spans below which everything that speaks is in the core
        self._walked: set[Key] = set()  # spans above which containers were looked at
        self._reused: set[Tie] = set()
        self._containers: dict[Key, set[Key]] = {}  # container -> its witnesses
        self._busy: dict[Key, Key] = {}  # container -> a measured call below it

    def island(self, news: Iterable[Key], also: Iterable[Key]) -> Island:
        """Return the island of some spans."""
        for key in news:
            self._take_with_all_below(key)
            if next(self._index.inner(key), None) is not None:  # it stands between these calls and one above it
                self._take_all(self._calls_around(key))
        self._take_all(also)
        while self._waiting or self._reuse_opened() or self._containers_opened() or self._aggregates_opened():
            while self._waiting:
                self._follow(self._waiting.pop())
        above = {key for one in self._core for key in self._index.ancestors(one)}
        return Island(
            frozenset(self._core),
            tuple(self._index.spans[key] for key in self._core | above),
            Around(frozenset(self._reused), frozenset(self._containers), frozenset(self._busy)),
        )

    def _take(self, key: Key) -> None:
        if key not in self._core:
            self._core.add(key)
            self._waiting.append(key)

    def _take_all(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self._take(key)

    def _take_with_all_below(self, key: Key) -> None:
        """Take a span and everything below it that speaks."""
        if key in self._whole:
            return
        below = list(self._index.subtree(key, self._whole))
        self._whole.update(below, (key,))
        self._take_all(one for one in (key, *below) if speaks(self._index.spans[one]))

    def _calls_around(self, key: Key) -> list[Key]:
        """Return the call that a span stands in: a span between two calls decides whether one is in the other."""
        outer = self._index.outer(key)
        return [] if outer is None else [outer]

    def _follow(self, key: Key) -> None:
        """Take what the rules may join with a call of the core."""
        span = self._index.spans[key]
        if span.role not in CALLS:
            return
        self._take_all(self._index.mates(key))
        self._take_all(self._calls_around(key))

    def _reuse_opened(self) -> bool:
        """Take the one other call that has a response id of the core, for it gets a flag or loses it.

        Where there are more than one they have the flag already, and keep it.
        """
        self._reused.clear()
        for tied in {tie(self._index.spans[key]) for key in self._core if self._index.spans[key].role in CALLS}:
            if tied is None:
                continue
            apart = (run for run in self._index.tied_runs(tied) if self._core.isdisjoint(run))
            others = list(islice(apart, 2))
            if len(others) > 1:
                self._reused.add(tied)
            else:
                self._take_all(one for run in others for one in run)
        return bool(self._waiting)

    def _containers_opened(self) -> bool:
        """Take what is below the calls of the core, unless a call surely is a container; tell whether that is news."""
        for key in [one for one in self._core if self._index.spans[one].role in CALLS and one not in self._whole]:
            if key in self._containers and self._containers[key].isdisjoint(self._core):
                continue
            self._containers.pop(key, None)
            found = self._witnesses(key) if self._is_large(key) else None
            if found is None:
                self._take_with_all_below(key)
            else:
                self._containers[key] = found
        return bool(self._waiting)

    def _is_large(self, key: Key) -> bool:
        return next(islice(self._index.subtree(key), SMALL, None), None) is not None

    def _witnesses(self, container: Key) -> set[Key] | None:
        """Return calls below a call, apart from the core and from each other, that make it a container for good.

        None when there are not enough of them, or when the call is tied with one that it contains.
        """
        near = self._reach(self._index.mates(container), container)
        if near is None or self._index.in_cycle(container) or any(self._index.outer(one) == container for one in near):
            return None
        found: set[Key] = set()
        apart = 0
        candidates = (one for one in self._index.inner(container) if one not in self._core and one not in found)
        for candidate in islice(candidates, TRIES):
            reach = self._reach([candidate], container)
            if reach is None or not reach.isdisjoint(self._core) or not reach.isdisjoint(found):
                continue
            found |= reach
            apart += 1
            if apart == WITNESSES:
                return found
        return None

    def _reach(self, start: Iterable[Key], without: Key) -> set[Key] | None:
        """Return all calls that the rules may join with some, one call left out; None when they are many."""
        index = self._index
        found = set(start)
        waiting = list(found)
        while waiting:
            key = waiting.pop()
            inner = islice(index.inner(key), NEAR)
            news = {*index.mates(key), *self._calls_around(key), *inner} - found - {without}
            found |= news
            waiting += news
            if len(found) > NEAR:
                return None
        return found

    def _aggregates_opened(self) -> bool:
        """Take what is below the containers above the core that have no other measured call; tell whether any."""
        self._busy = {key: call for key, call in self._busy.items() if call not in self._core}
        self._walked &= self._whole  # what was busy may be no more
        for key in list(self._core):
            self._look_above(key)
        return bool(self._waiting)

    def _look_above(self, key: Key) -> None:
        for above in (key, *self._index.ancestors(key)):
            if above in self._busy or above in self._walked:
                return
            if self._may_stand_in(above):
                call = self._measured_below(above, self._core)
                if call is not None and not self._index.in_cycle(above):
                    self._busy[above] = call
                    return
                self._take_with_all_below(above)
                if self._measured_below(above, ()) is None:
                    self._take_all(one for one in self._index.ancestors(above) if self._index.spans[one].role in CALLS)
            self._walked.add(above)

    def _may_stand_in(self, key: Key) -> bool:
        span = self._index.spans[key]
        return bool(span.usage.total) and (span.role is Role.AGGREGATE or span.role in CALLS)

    def _measured_below(self, key: Key, without: Iterable[Key]) -> Key | None:
        """Return a measured call below a span that surely counts: nothing is in it that could make it a container.

        A call that a span rule has declared a unit or billed elsewhere is one, too: no container stands in for it.
        """
        index = self._index
        left_out = without if isinstance(without, set) else set(without)
        for below in index.subtree(key):
            span = index.spans[below]
            if below in left_out:
                continue
            counts = span.usage.measured and span.role in CALLS and next(index.inner(below), None) is None
            if counts or is_decided(span):
                return below
        return None
