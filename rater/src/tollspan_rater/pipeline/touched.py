"""What readings and corrections touch: the stored spans and booked calls that hang together with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.correction import Correction
from tollspan_rater.domain.fates import Fate, Role
from tollspan_rater.pipeline.component import Component, Trace
from tollspan_rater.pipeline.connections import Connections
from tollspan_rater.pipeline.judge import Judge
from tollspan_rater.pipeline.memory import Memory
from tollspan_rater.pipeline.reading import Reading
from tollspan_rater.pipeline.span_row import LinkOf
from tollspan_rater.store.corrections import corrections_of_traces
from tollspan_rater.store.database import Database
from tollspan_rater.store.legs import COLUMNS, Booked, LegRow, booked_from, trace_key
from tollspan_rater.store.lookup import (
    StoredSpan,
    held_versions,
    legs_of_traces,
    link_key,
    spans_of_traces,
    traces_of_links,
    uncorrected_of_traces,
)

_TENANT: Final = 0
_CALL_ID: Final = COLUMNS.index("call_id")
_MEMBERS: Final = COLUMNS.index("members")


@dataclass(frozen=True, slots=True)
class Tie:
    """The trace of a reading, and the key of the response id that it carries."""

    trace: Trace
    link: int | None


@dataclass(frozen=True, slots=True)
class Touched:
    """The ``remembered`` components that something touches, and all other ``stored`` spans that it touches."""

    remembered: Sequence[Component]
    stored: Sequence[StoredSpan]

    def judge(self) -> Judge:
        """Return a judge who knows the versions of all these spans."""
        return Judge(self.stored, [component.versions for component in self.remembered])


def touched_by(
    readings: Iterable[Reading],
    corrections: Iterable[Correction],
    database: Database,
    link_of: LinkOf,
    memory: Memory,
) -> Touched:
    """Find what readings and corrections touch: their traces, and those that response ids tie to them, transitively."""
    ties = [_tie(one.extracted, link_of) for one in readings if one.extracted is not None]
    ties += [Tie(trace, None) for one in corrections for trace in _traces(one)]
    links = {tie.link for tie in ties if tie.link is not None}
    remembered = memory.touched({tie.trace for tie in ties}, links)
    # Whatever is linked with a remembered component is part of it: nothing of it has to be looked for.
    traces = {tie.trace for tie in ties if not any(tie.trace in one.traces for one in remembered)}
    links = {link for link in links if not any(link in one.links for one in remembered)}
    stored = _linked({trace_key(trace_id) for _, trace_id in traces}, links, database)
    tenants = {tie.trace[0] for tie in ties}
    return Touched(
        remembered,
        [
            span
            for span in stored
            if span.tenant in tenants and not any((span.tenant, span.trace_id) in one.traces for one in remembered)
        ],
    )


def _linked(traces: set[int], links: set[int], database: Database) -> list[StoredSpan]:
    found = spans_of_traces(database, traces)
    searched: set[int] = set()
    while True:
        links |= {span.link_key for span in found if span.link_key is not None}
        more = traces_of_links(database, links - searched) - traces
        searched |= links
        if not more:
            return found
        traces |= more
        found.extend(spans_of_traces(database, more))


class Gathering:
    """Gathers what hangs together with what came into components.

    Traces that are together without need, as by two ids with one hash, cost time only, for settlement of a union is
    the union of settlements.
    """

    def __init__(self, touched: Touched, link_of: LinkOf) -> None:
        self._touched = touched
        self._link_of = link_of
        self._homes = [(next(iter(one.traces)), one) for one in touched.remembered]
        self._connections = Connections()
        self._found: dict[Trace, Component] = {}

    def components(
        self,
        arrivals: Sequence[Reading],
        corrections: Sequence[Correction],
        judge: Judge,
        database: Database,
        from_evidence: Callable[[str], Extracted],
    ) -> list[Component]:
        """Return the components that have arrivals or new corrections, with all that is known of them."""
        spans = [(reading, reading.extracted) for reading in arrivals if reading.extracted is not None]
        traces = [(one, trace) for one in corrections for trace in _traces(one)]
        self._connect([*(_tie(span, self._link_of) for _, span in spans), *(Tie(trace, None) for _, trace in traces)])
        for home, component in sorted(self._homes, key=lambda one: len(one[1]), reverse=True):
            root = self._connections.root(home) if home in self._connections else None
            if root is not None and self._found.setdefault(root, component) is not component:
                self._found[root].absorb(component)
        for reading, span in spans:
            component = self._of((span.tenant, span.trace_id))
            component.arrivals.append(reading)
            component.versions[span.key] = judge.version(span.key)
            component.tie(_tie(span, self._link_of).trace, _tie(span, self._link_of).link)
        for _, trace in traces:
            self._of(trace)
        self._fill(judge, from_evidence)
        self._fill_booked(database)
        for one, trace in traces:
            component = self._of(trace)
            if component.correct(one):
                component.newly_corrected.append(one)
        return list(self._found.values())

    def _of(self, trace: Trace) -> Component:
        return self._found.setdefault(self._connections.root(trace), Component())

    def _connect(self, ties: Sequence[Tie]) -> None:
        for span in self._touched.stored:
            self._connections.add((span.tenant, span.trace_id), span.link_key)
        for tie in ties:
            self._connections.add(tie.trace, tie.link)
            for home, component in self._homes:
                if tie.trace in component.traces or tie.link in component.links:
                    self._connections.join(tie.trace, home)

    def _fill(self, judge: Judge, from_evidence: Callable[[str], Extracted]) -> None:
        for span in self._touched.stored:
            component = self._component((span.tenant, span.trace_id))
            if component is not None:
                component.tie((span.tenant, span.trace_id), span.link_key)
        for span in held_versions(self._touched.stored).values():
            component = self._component((span.tenant, span.trace_id))
            if component is not None:
                known = _known(span, from_evidence)
                component.know(known, judge.version(known.key))

    def _fill_booked(self, database: Database) -> None:
        keys = {span.trace_key for span in self._touched.stored}
        for member, call_id, state, tenant in _booked(legs_of_traces(database, keys)):
            component = self._component((tenant, member[:32]))
            if component is not None:
                component.booked.note(member, call_id, state)
        known = [(one, trace) for one in corrections_of_traces(database, keys) for trace in _traces(one)]
        for one, trace in known:
            component = self._component(trace)
            if component is not None:
                component.correct(one)
        for member, call_id, state, tenant in _booked(uncorrected_of_traces(database, keys)) if known else ():
            component = self._component((tenant, member[:32]))
            if component is not None:
                component.uncorrected.note(member, call_id, state)

    def _component(self, trace: Trace) -> Component | None:
        return self._found.get(self._connections.root(trace)) if trace in self._connections else None


def _tie(span: Extracted, link_of: LinkOf) -> Tie:
    link = link_of(span)
    return Tie((span.tenant, span.trace_id), None if link is None else link_key(span.tenant, link))


def _known(span: StoredSpan, from_evidence: Callable[[str], Extracted]) -> Extracted:
    if span.fate == Fate.STORED:
        return from_evidence(span.evidence)
    return Extracted(
        span.tenant, span.trace_id, span.span_id, span.parent_id, span.start_ns, span.end_ns, Role.NONE, ""
    )


def _traces(correction: Correction) -> set[Trace]:
    return {(correction.tenant, member[:32]) for member in correction.members}


def _booked(rows: Iterable[LegRow]) -> list[tuple[str, str, Booked, str]]:
    """Return representing member, call id, state and tenant of all calls that some legs are of."""
    by_tenant: dict[str, list[LegRow]] = {}
    members = {}
    for row in rows:
        by_tenant.setdefault(row[_TENANT], []).append(row)
        members[row[_TENANT], row[_CALL_ID]] = row[_MEMBERS][0]
    return [
        (members[tenant, call_id], call_id, state, tenant)
        for tenant, legs in by_tenant.items()
        for call_id, state in booked_from(legs).items()
    ]
