"""Applying batches: judge every piece, find what the new ones touch, settle it, note it all as changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.fates import Fate, Role
from tollspan_rater.errors import StoreDeadError
from tollspan_rater.pipeline.changes import Changes
from tollspan_rater.pipeline.judge import Judge
from tollspan_rater.pipeline.page import Page, Sorted, repeated, sort_out
from tollspan_rater.pipeline.reading import Reading, at_fault, fault_text
from tollspan_rater.pipeline.settling import Settle, Trace, components, settle_component
from tollspan_rater.pipeline.span_row import LinkOf
from tollspan_rater.store.database import Database
from tollspan_rater.store.legs import COLUMNS, Booked, LegRow, booked_from, trace_key
from tollspan_rater.store.lookup import (
    StoredSpan,
    held_versions,
    known_links,
    known_traces,
    legs_of_traces,
    link_key,
    spans_of_traces,
    traces_of_links,
)

_TENANT: Final = 0
_MEMBERS: Final = COLUMNS.index("members")

Place = tuple[int, int]  # position and ordinal of a piece


@dataclass(frozen=True, slots=True)
class Meaning:
    """The functions of the extract room that give spans their meaning."""

    settle: Settle
    link_of: LinkOf
    from_evidence: Callable[[str], Extracted]


def apply_readings(readings: Sequence[Reading], database: Database, meaning: Meaning) -> Changes:
    """Return everything that some readings change in the store.

    The result is a function of the store and of the readings in the order of the journal; how they were
    grouped into steps leaves no trace.
    """
    while True:
        changes, faults = _applied(readings, database, meaning)
        if not faults:
            return changes
        readings = _without(readings, faults)


def sorted_pages(pages: Sequence[Page], database: Database, meaning: Meaning) -> Sorted:
    """Sort pages into rows of spans that nothing touches, in this step or in the store, and readings of the others."""
    traces = [key for page in pages for key in page.trace_keys]
    links = [key for page in pages for key in page.link_keys(meaning.link_of)]
    touched = repeated(traces) | known_traces(database, traces)
    linked = repeated(links) | known_links(database, links)
    return sort_out(pages, touched, linked, meaning.from_evidence)


def isolated(readings: Sequence[Reading], database: Database, meaning: Meaning) -> list[Reading]:
    """Return the readings with those set aside that cannot be applied; the way out of a poisoned step.

    Halves are tried before single pieces, always together with what was kept before, so that the result is known
    to be applicable as a whole.
    """
    kept: list[Reading] = []
    untried = [list(readings)]
    while untried:
        group = untried.pop()
        try:
            apply_readings([*kept, *group], database, meaning).tables()
        except StoreDeadError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a piece must not stop the journal
            if len(group) == 1:
                kept.append(at_fault(group[0], fault_text(error)))
            else:
                untried += [group[len(group) // 2 :], group[: len(group) // 2]]
        else:
            kept.extend(group)
    return kept


def _applied(readings: Sequence[Reading], database: Database, meaning: Meaning) -> tuple[Changes, dict[Place, str]]:
    """Return the changes, and the pieces at which settlement threw; without any the changes are whole."""
    changes = Changes()
    touched = _touched(readings, database, meaning.link_of)
    judge = Judge(touched)
    arrivals: list[Reading] = []
    for reading in readings:
        if reading.aside is not None:
            if not reading.again:  # else what was read before stays
                changes.aside(reading, reading.aside)
        elif reading.extracted is not None:
            verdict = judge.judge(reading)
            if verdict.holds:
                arrivals.append(reading)
                changes.held(reading, reading.extracted, verdict, meaning.link_of)
            else:
                changes.not_held(reading, reading.extracted, verdict)
    return changes, _settle(arrivals, touched, database, meaning, changes)


def _settle(
    arrivals: Sequence[Reading],
    touched: Sequence[StoredSpan],
    database: Database,
    meaning: Meaning,
    changes: Changes,
) -> dict[Place, str]:
    known = [_known(span, meaning.from_evidence) for span in held_versions(touched).values()]
    booked = _booked(touched, database)
    ties: list[tuple[Trace, int | None]] = [((span.tenant, span.trace_id), span.link_key) for span in touched]
    ties += [
        ((reading.tenant, reading.extracted.trace_id), _link(reading.extracted, meaning.link_of))
        for reading in arrivals
        if reading.extracted is not None
    ]
    faults: dict[Place, str] = {}
    for component in components(ties, known, arrivals, booked):
        settled = settle_component(component, meaning.settle)
        changes.extend("legs", settled.legs)
        faults |= {(reading.position, reading.ordinal): error for reading, error in settled.faults}
    return faults


def _without(readings: Sequence[Reading], faults: dict[Place, str]) -> list[Reading]:
    """Set aside the readings at which settlement threw."""
    return [
        reading if error is None else at_fault(reading, error)
        for reading in readings
        for error in [faults.get((reading.position, reading.ordinal))]
    ]


def _link(span: Extracted, link_of: LinkOf) -> int | None:
    link = link_of(span)
    return None if link is None else link_key(span.tenant, link)


def _touched(readings: Sequence[Reading], database: Database, link_of: LinkOf) -> list[StoredSpan]:
    """Return all stored spans of the traces that some readings are in or are linked with, transitively."""
    traces: set[int] = set()
    links: set[int] = set()
    for reading in readings:
        if reading.extracted is not None:
            traces.add(trace_key(reading.extracted.trace_id))
            link = _link(reading.extracted, link_of)
            if link is not None:
                links.add(link)
    found = spans_of_traces(database, traces)
    searched: set[int] = set()
    while True:
        links |= {span.link_key for span in found if span.link_key is not None}
        more = traces_of_links(database, links - searched) - traces
        searched |= links
        if not more:
            break
        traces |= more
        found.extend(spans_of_traces(database, more))
    tenants = {reading.tenant for reading in readings}
    return [span for span in found if span.tenant in tenants]


def _known(span: StoredSpan, from_evidence: Callable[[str], Extracted]) -> Extracted:
    if span.fate == Fate.STORED:
        return from_evidence(span.evidence)
    return Extracted(
        span.tenant, span.trace_id, span.span_id, span.parent_id, span.start_ns, span.end_ns, Role.NONE, ""
    )


def _booked(touched: Sequence[StoredSpan], database: Database) -> list[tuple[Trace, str, Booked]]:
    rows = legs_of_traces(database, {span.trace_key for span in touched})
    by_tenant: dict[str, list[LegRow]] = {}
    for row in rows:
        by_tenant.setdefault(row[_TENANT], []).append(row)
    traces = {(row[_TENANT], row[1]): row[_MEMBERS][0][:32] for row in rows}
    return [
        ((tenant, traces[tenant, call_id]), call_id, state)
        for tenant, legs in by_tenant.items()
        for call_id, state in booked_from(legs).items()
    ]
