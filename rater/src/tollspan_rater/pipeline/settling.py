"""From new spans to legs: each connected set is settled again, step by step in the journal's order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tollspan_rater.domain.call import Call, Extracted
from tollspan_rater.domain.fates import Role
from tollspan_rater.pipeline.reading import Reading, fault_text
from tollspan_rater.store.legs import Booked, LegRow, difference

Settle = Callable[[Sequence[Extracted]], list[Call]]
Trace = tuple[str, str]  # tenant, trace id
_SPEAKING = frozenset({Role.CALL, Role.UNIT, Role.AGGREGATE, Role.EVIDENCE})


@dataclass(slots=True)
class Component:
    """Traces of one tenant that are connected by response ids: what is known of them and what came."""

    known: list[Extracted] = field(default_factory=list)
    arrivals: list[Reading] = field(default_factory=list)
    booked: dict[str, Booked] = field(default_factory=dict)


class Connections:
    """Joins traces that share a response id into components."""

    def __init__(self) -> None:
        self._above: dict[Trace, Trace] = {}
        self._by_link: dict[tuple[str, int], Trace] = {}

    def __contains__(self, trace: object) -> bool:
        return trace in self._above

    def add(self, trace: Trace, link: int | None) -> None:
        """Add a trace, joined with all other traces of its tenant that have the same link key."""
        self._above.setdefault(trace, trace)
        if link is None:
            return
        first = self._by_link.setdefault((trace[0], link), trace)
        if first != trace:
            self._above[self.root(trace)] = self.root(first)

    def root(self, trace: Trace) -> Trace:
        """Return the trace that stands for the component of another."""
        above = self._above
        while above[trace] != trace:
            above[trace] = above[above[trace]]
            trace = above[trace]
        return trace


def components(
    ties: Iterable[tuple[Trace, int | None]],
    known: Iterable[Extracted],
    arrivals: Iterable[Reading],
    booked: Iterable[tuple[Trace, str, Booked]],
) -> list[Component]:
    """Group stored spans, new readings and booked calls into connected components that have news.

    ``ties`` are the trace and the link key of every version of every span, those included that a new one
    replaces: calls are booked across the traces that they have tied. Traces that are together without need, as by
    two ids with one hash, cost time only, for settlement of a union is the union of settlements.
    """
    connections = Connections()
    for trace, link in ties:
        connections.add(trace, link)
    found: defaultdict[Trace, Component] = defaultdict(Component)
    for reading in arrivals:
        span = _read(reading)
        found[connections.root((span.tenant, span.trace_id))].arrivals.append(reading)
    for span in known:
        root = connections.root((span.tenant, span.trace_id))
        if root in found:
            found[root].known.append(span)
    for trace, call_id, state in booked:
        if trace in connections and connections.root(trace) in found:
            found[connections.root(trace)].booked[call_id] = state
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Settled:
    """The legs that a component's arrivals cause, and the arrivals at which settlement throws."""

    legs: list[LegRow]
    faults: list[tuple[Reading, str]]


def settle_component(component: Component, settle: Settle) -> Settled:
    """Settle a component after each journal entry that touches it, so that batching leaves no trace in the legs.

    An arrival at which settlement throws is left out and reported, the others count.
    """
    known = {span.key: span for span in component.known}
    if not _speaks(known.values()) and not _speaks(_read(reading) for reading in component.arrivals):
        return Settled([], [])
    legs: list[LegRow] = []
    faults: list[tuple[Reading, str]] = []
    booked = component.booked
    for position, readings in _by_position(component.arrivals):
        before = dict(known)
        known.update((_read(reading).key, _read(reading)) for reading in readings)
        try:
            calls = settle(list(known.values()))
        except Exception:  # noqa: BLE001 - find the spans at fault, keep their neighbours
            known, calls, found = _without_faults(before, readings, settle)
            faults.extend(found)
        new_legs, booked = difference(booked, calls, position)
        legs.extend(new_legs)
    return Settled(legs, faults)


def _without_faults(
    known: dict[tuple[str, str, str], Extracted], readings: Sequence[Reading], settle: Settle
) -> tuple[dict[tuple[str, str, str], Extracted], list[Call], list[tuple[Reading, str]]]:
    """Leave out the readings at which settlement throws; halves are tried, so that one among many is found soon."""
    faults: list[tuple[Reading, str]] = []
    calls = settle(list(known.values())) if known else []
    untried = [list(readings)]
    while untried:
        group = untried.pop()
        trial = known | {_read(reading).key: _read(reading) for reading in group}
        try:
            calls = settle(list(trial.values()))
        except Exception as error:  # noqa: BLE001 - a span of the group is at fault; alone, it is quarantined
            if len(group) == 1:
                faults.append((group[0], fault_text(error)))
            else:
                untried += [group[len(group) // 2 :], group[: len(group) // 2]]
        else:
            known = trial
    return known, calls, faults


def _by_position(arrivals: Sequence[Reading]) -> list[tuple[int, list[Reading]]]:
    grouped: defaultdict[int, list[Reading]] = defaultdict(list)
    for reading in arrivals:
        grouped[reading.at_position].append(reading)
    return sorted(grouped.items())


def _speaks(spans: Iterable[Extracted]) -> bool:
    return any(span.role in _SPEAKING for span in spans)


def _read(reading: Reading) -> Extracted:
    if reading.extracted is None:
        raise ValueError(f"piece {reading.position}:{reading.ordinal} was set aside and cannot be settled")
    return reading.extracted
