"""Applying batches: judge every piece, find what the new ones touch, settle it, note it all as changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.correction import Correction
from tollspan_rater.errors import StoreDeadError
from tollspan_rater.pipeline.changes import Changes
from tollspan_rater.pipeline.memory import Memory
from tollspan_rater.pipeline.page import Page, Sorted, repeated, sort_out
from tollspan_rater.pipeline.reading import Reading, at_fault, fault_text
from tollspan_rater.pipeline.settling import Settle, settle_component
from tollspan_rater.pipeline.span_row import LinkOf
from tollspan_rater.pipeline.touched import Gathering, touched_by
from tollspan_rater.store.database import Database
from tollspan_rater.store.lookup import known_links, known_traces

Place = tuple[int, int]  # position and ordinal of a piece


@dataclass(frozen=True, slots=True)
class Meaning:
    """The functions of the extract room that give spans their meaning."""

    settle: Settle
    link_of: LinkOf
    from_evidence: Callable[[str], Extracted]


def apply_readings(
    readings: Sequence[Reading],
    database: Database,
    meaning: Meaning,
    memory: Memory,
    corrections: Sequence[Correction] = (),
) -> Changes:
    """Return everything that some readings, or the corrections of one entry, change in the store.

    The result is a function of the store and of what came in the order of the journal; how it was
    grouped into steps leaves no trace, nor does what is remembered of earlier ones.
    """
    while True:
        changes, faults = _applied(readings, corrections, database, meaning, memory)
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
            apply_readings([*kept, *group], database, meaning, Memory()).tables()
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


def _applied(
    readings: Sequence[Reading],
    corrections: Sequence[Correction],
    database: Database,
    meaning: Meaning,
    memory: Memory,
) -> tuple[Changes, dict[Place, str]]:
    """Return the changes, and the pieces at which settlement threw; without any the changes are whole."""
    changes = Changes()
    memory.begin()
    touched = touched_by(readings, corrections, database, meaning.link_of, memory)
    judge = touched.judge()
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
    gathering = Gathering(touched, meaning.link_of)
    components = gathering.components(arrivals, corrections, judge, database, meaning.from_evidence)
    faults: dict[Place, str] = {}
    for component in components:
        settled = settle_component(component, meaning.settle)
        changes.extend("legs", settled.legs)
        changes.extend("uncorrected", settled.uncorrected)
        faults |= {(reading.position, reading.ordinal): error for reading, error in settled.faults}
    changes.corrected({one.key: one for component in components for one in component.newly_corrected}.values())
    memory.keep(components)
    return changes, faults


def _without(readings: Sequence[Reading], faults: dict[Place, str]) -> list[Reading]:
    """Set aside the readings at which settlement threw."""
    return [
        reading if error is None else at_fault(reading, error)
        for reading in readings
        for error in [faults.get((reading.position, reading.ordinal))]
    ]
