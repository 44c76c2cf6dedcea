"""From new spans to legs: what they can change is settled again, step by step in the journal's order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from tollspan_rater.domain.call import Call, Extracted
from tollspan_rater.domain.correction import Correction
from tollspan_rater.extract.cluster import NOTHING_AROUND, Around, Key
from tollspan_rater.extract.correct import corrected
from tollspan_rater.extract.island import arrived
from tollspan_rater.extract.span_index import SPEAKING, SpanIndex
from tollspan_rater.pipeline.component import Component
from tollspan_rater.pipeline.reading import Reading, fault_text
from tollspan_rater.store.legs import LegRow

WHOLE: Final = 64  # up to so many spans, settling all of them costs less than finding out which


class Settle(Protocol):
    """Settlement, as a function of a set of spans and of what is known around it."""

    def __call__(self, spans: Iterable[Extracted], around: Around = NOTHING_AROUND, /) -> list[Call]:
        """Return the calls and unit measures that the spans show."""
        ...


@dataclass(frozen=True, slots=True)
class Settled:
    """What arrivals and corrections of a component cause.

    ``legs`` revise what counts, ``uncorrected`` what the spans alone say of corrected calls. ``faults`` are the
    arrivals at which settlement throws.
    """

    legs: list[LegRow]
    uncorrected: list[LegRow]
    faults: list[tuple[Reading, str]]


def settle_component(component: Component, settle: Settle) -> Settled:
    """Settle a component after each journal entry that touches it, so that batching leaves no trace in the legs.

    An arrival at which settlement throws is left out and reported; the legs count only when there is none.
    """
    done = Settled([], [], [])
    for position, readings in _by_position(component.arrivals):
        before = _versions_before(component.index, readings)
        try:
            resettled = _settled(component.index, readings, settle)
        except Exception:  # noqa: BLE001 - find the spans at fault, keep their neighbours
            component.index = _as_before(component.index, before)
            done.faults.extend(_at_fault(component, readings, settle))
        else:
            _book(component, resettled, position, done)
    if component.newly_corrected:
        _book(component, _settled_again(component, settle), component.newly_corrected[0].position, done)
    return done


@dataclass(frozen=True, slots=True)
class _Resettled:
    """The calls of some spans; ``members`` names these spans, None for all."""

    members: Sequence[str] | None
    calls: Sequence[Call]


def _settled(index: SpanIndex, readings: Sequence[Reading], settle: Settle) -> _Resettled:
    """Take new readings into an index, and settle what they can change."""
    news = {_read(reading).key: _read(reading) for reading in readings}
    if len(index.spans) + len(news) > WHOLE:
        return _island(index, news.values(), settle)
    for key, span in news.items():
        if key in index.spans:
            index.remove(key)
        index.add(span)
    return _whole(index, settle)


def _settled_again(component: Component, settle: Settle) -> _Resettled:
    """Settle again what new corrections are about."""
    spans = component.index.spans
    keys = {key for one in component.newly_corrected for key in _keys_of(one) if key in spans}
    if len(spans) > WHOLE:
        return _island(component.index, [spans[key] for key in keys], settle)
    return _whole(component.index, settle)


def _island(index: SpanIndex, news: Iterable[Extracted], settle: Settle) -> _Resettled:
    island = arrived(index, news)
    return _Resettled([index.spans[key].member for key in island.core], island.settled(settle))


def _whole(index: SpanIndex, settle: Settle) -> _Resettled:
    speaks = any(span.role in SPEAKING for span in index.spans.values())
    return _Resettled(None, settle(list(index.spans.values())) if speaks else ())


def _keys_of(correction: Correction) -> Iterable[Key]:
    return [(correction.tenant, member[:32], member[33:]) for member in correction.members]


def _book(component: Component, resettled: _Resettled, position: int, done: Settled) -> None:
    """Apply the corrections to settled calls, and book what counts and what the spans alone say."""
    calls, members = resettled.calls, resettled.members
    if component.corrections:
        found = corrected(calls, component.corrections.values(), component.came_at)
        done.uncorrected.extend(component.uncorrected.moved_to(found.settled, members, position))
        calls = found.calls
    done.legs.extend(component.booked.moved_to(calls, members, position))


def _at_fault(component: Component, readings: Sequence[Reading], settle: Settle) -> list[tuple[Reading, str]]:
    """Return the readings at which settlement throws; halves are tried, so that one among many is found soon."""
    faults: list[tuple[Reading, str]] = []
    untried = [list(readings)]
    while untried:
        group = untried.pop()
        before = _versions_before(component.index, group)
        try:
            _settled(component.index, group, settle)
        except Exception as error:  # noqa: BLE001 - a span of the group is at fault; alone, it is quarantined
            component.index = _as_before(component.index, before)
            if len(group) == 1:
                faults.append((group[0], fault_text(error)))
            else:
                untried += [group[len(group) // 2 :], group[: len(group) // 2]]
    return faults


def _versions_before(index: SpanIndex, readings: Sequence[Reading]) -> list[tuple[Extracted, Extracted | None]]:
    return [(_read(reading), index.spans.get(_read(reading).key)) for reading in readings]


def _as_before(index: SpanIndex, before: Sequence[tuple[Extracted, Extracted | None]]) -> SpanIndex:
    """Return an index without some new spans; made anew, because one of them broke the old one half way."""
    spans = dict(index.spans)
    for span, old in before:
        spans.pop(span.key, None)
        if old is not None:
            spans[span.key] = old
    fresh = SpanIndex()
    for span in spans.values():
        fresh.add(span)
    return fresh


def _by_position(arrivals: Sequence[Reading]) -> list[tuple[int, list[Reading]]]:
    grouped: defaultdict[int, list[Reading]] = defaultdict(list)
    for reading in arrivals:
        grouped[reading.at_position].append(reading)
    return sorted(grouped.items())


def _read(reading: Reading) -> Extracted:
    if reading.extracted is None:
        raise ValueError(f"piece {reading.position}:{reading.ordinal} was set aside and cannot be settled")
    return reading.extracted
