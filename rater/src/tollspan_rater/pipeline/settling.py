"""From new spans to legs: what they can change is settled again, step by step in the journal's order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from tollspan_rater.domain.call import Call, Extracted
from tollspan_rater.extract.cluster import NOTHING_AROUND, Around
from tollspan_rater.extract.island import arrived
from tollspan_rater.extract.span_index import SPEAKING, SpanIndex
from tollspan_rater.pipeline.component import Component
from tollspan_rater.pipeline.reading import Reading, fault_text
from tollspan_rater.store.legs import LegRow, difference

WHOLE: Final = 64  # up to so many spans, settling all of them costs less than finding out which


class Settle(Protocol):
    """Settlement, as a function of a set of spans and of what is known around it."""

    def __call__(self, spans: Iterable[Extracted], around: Around = NOTHING_AROUND, /) -> list[Call]:
        """Return the calls and unit measures that the spans show."""
        ...


@dataclass(frozen=True, slots=True)
class Settled:
    """The legs that a component's arrivals cause, and the arrivals at which settlement throws."""

    legs: list[LegRow]
    faults: list[tuple[Reading, str]]


def settle_component(component: Component, settle: Settle) -> Settled:
    """Settle a component after each journal entry that touches it, so that batching leaves no trace in the legs.

    An arrival at which settlement throws is left out and reported; the legs count only when there is none.
    """
    legs: list[LegRow] = []
    faults: list[tuple[Reading, str]] = []
    for position, readings in _by_position(component.arrivals):
        before = _versions_before(component.index, readings)
        try:
            legs += _booked(component, _settled(component.index, readings, settle), position)
        except Exception:  # noqa: BLE001 - find the spans at fault, keep their neighbours
            component.index = _as_before(component.index, before)
            faults += _at_fault(component, readings, settle)
    return Settled(legs, faults)


@dataclass(frozen=True, slots=True)
class _Resettled:
    """The calls of some spans; ``members`` names these spans, None for all."""

    members: Sequence[str] | None
    calls: Sequence[Call]


def _settled(index: SpanIndex, readings: Sequence[Reading], settle: Settle) -> _Resettled:
    """Take new readings into an index, and settle what they can change."""
    news = {_read(reading).key: _read(reading) for reading in readings}
    if len(index.spans) + len(news) > WHOLE:
        island = arrived(index, news.values())
        return _Resettled([index.spans[key].member for key in island.core], island.settled(settle))
    for key, span in news.items():
        if key in index.spans:
            index.remove(key)
        index.add(span)
    speaks = any(span.role in SPEAKING for span in index.spans.values())
    return _Resettled(None, settle(list(index.spans.values())) if speaks else ())


def _booked(component: Component, resettled: _Resettled, position: int) -> list[LegRow]:
    members = component.booked if resettled.members is None else resettled.members
    booked = component.booked_for(members)
    owner = {call_id: member for member in members for call_id in component.booked.get(member, ())}
    owner |= {call.call_id: call.members[0] for call in resettled.calls}
    legs, states = difference(booked, resettled.calls, position)
    for call_id, state in states.items():
        component.book(owner[call_id], call_id, state)
    return legs


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
