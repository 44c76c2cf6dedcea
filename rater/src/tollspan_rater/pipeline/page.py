"""Batches read ahead of their turn: the rows that they bring if nothing else touches their spans.

Most calls come in a trace of their own or find nothing of it in the store. What such a span adds is a function of the
span alone, so it can be made before the batch's turn and in another process; whether it really is alone is a question
of keys, asked once for all pages of a step. Small batches share a page: its columns cost the same for one span and for
hundreds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, compress
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from tollspan_rater.domain.call import Call, Extracted
from tollspan_rater.domain.entries import Batch
from tollspan_rater.domain.fates import Fate
from tollspan_rater.pipeline.judge import first_verdict
from tollspan_rater.pipeline.reading import Reading
from tollspan_rater.pipeline.settling import Settle
from tollspan_rater.pipeline.span_row import LinkOf, span_row
from tollspan_rater.store.legs import leg, trace_key
from tollspan_rater.store.lookup import link_key
from tollspan_rater.store.tables import table

Names = Mapping[str, Mapping[str, str]]  # tenant -> subject id -> name
Read = Callable[[Batch], list[Reading]]

_AGAIN: Final = ("position", "ordinal", "tenant", "sender", "evidence", "digest")


@dataclass(frozen=True, slots=True)
class Page:
    """Batches that follow each other in the journal, read; ``pieces`` counts what each of them holds.

    ``spans`` and ``legs`` are rows of the store, ``leg_of`` gives for each leg its row in ``spans``; all hold only
    for spans that are alone. ``evidence`` stands in every row, also of spans that are ignored. ``rest`` are the
    pieces that have to be judged one by one anyway. ``names`` are the names of people behind new subject ids.
    """

    batches: tuple[Batch, ...]
    pieces: tuple[int, ...]
    spans: pa.Table
    legs: pa.Table
    leg_of: tuple[int, ...]
    rest: tuple[Reading, ...]
    names: Names = field(default_factory=dict)

    @property
    def trace_keys(self) -> list[int]:
        """The trace keys of all pieces that were read."""
        keys: list[int] = self.spans["trace_key"].to_pylist()
        return keys + [trace_key(reading.extracted.trace_id) for reading in self.rest if reading.extracted is not None]

    def link_keys(self, link_of: LinkOf) -> list[int]:
        """Return the link keys of all pieces that have one."""
        links = [(one.tenant, link_of(one.extracted)) for one in self.rest if one.extracted is not None]
        keys: list[int] = self.spans["link_key"].drop_null().to_pylist()
        return keys + [link_key(tenant, link) for tenant, link in links if link is not None]


def page_of(batches: Sequence[Batch], read: Read, settle: Settle, link_of: LinkOf) -> Page:
    """Read batches into a page; a piece on which anything fails is left to the general path.

    All pieces take one step before any takes the next, which is a tenth faster than piece by piece.
    """
    of_each = [read(batch) for batch in batches]
    readings = list(chain.from_iterable(of_each))
    settled = [_alone(reading, settle) for reading in readings]
    both = list(zip(readings, settled, strict=True))
    alone = [(one, one.extracted, calls) for one, calls in both if calls is not None and one.extracted is not None]
    rest = tuple([one for one, calls in both if calls is None])
    leg_of = tuple([at for at, (_, _, calls) in enumerate(alone) for _ in calls])
    try:
        legs = table(
            "legs", [leg(call, position=one.position, revision=1) for one, _, calls in alone for call in calls]
        )
        spans = table("spans", [span_row(one, of, first_verdict(of), link_of, one.evidence) for one, of, _ in alone])
    except Exception:  # noqa: BLE001 - a value that no column takes: the general path finds its piece
        spans, legs, leg_of, rest = table("spans", ()), table("legs", ()), (), tuple(readings)
    return Page(tuple(batches), tuple([len(found) for found in of_each]), spans, legs, leg_of, rest)


def _alone(reading: Reading, settle: Settle) -> list[Call] | None:
    """Return the calls that a piece shows if nothing touches it; None for one that has to go the general way."""
    if reading.extracted is None:
        return None
    try:
        return settle([reading.extracted])
    except Exception:  # noqa: BLE001 - the general path sets this piece aside with the error
        return None


@dataclass(frozen=True, slots=True)
class Sorted:
    """The pages of a step, sorted into rows that are ready and readings for the general path."""

    spans: pa.Table
    legs: pa.Table
    readings: list[Reading]


def sort_out(
    pages: Sequence[Page], touched: Collection[int], linked: Collection[int], from_evidence: Callable[[str], Extracted]
) -> Sorted:
    """Take the rows of spans that are alone as they are; read those in ``touched`` traces or ``linked`` again."""
    spans: list[pa.Table] = []
    legs: list[pa.Table] = []
    readings: list[Reading] = []
    for page in pages:
        readings.extend(page.rest)
        alone = _mask(page, touched, linked)
        if alone is None:
            spans.append(page.spans)
            legs.append(page.legs)
            continue
        spans.append(page.spans.filter(pa.array(alone, pa.bool_())))
        legs.append(page.legs.filter(pa.array([alone[at] for at in page.leg_of], pa.bool_())))
        readings.extend(_readings(page, [not one for one in alone], from_evidence))
    readings.sort(key=lambda reading: (reading.position, reading.ordinal))
    # Together, for the store takes many small chunks at half the speed of a large one.
    ready, calls = (pa.concat_tables(tables).combine_chunks() for tables in (spans, legs))
    return Sorted(_without_ignored_evidence(ready), calls, readings)


def repeated(keys: Iterable[int]) -> set[int]:
    """Return the keys that occur more than once."""
    seen: set[int] = set()
    again: set[int] = set()
    for key in keys:
        (again if key in seen else seen).add(key)
    return again


def _mask(page: Page, touched: Collection[int], linked: Collection[int]) -> list[bool] | None:
    """Tell of each row whether it is alone; None when all are."""
    if not touched and not linked:
        return None
    traces, links = page.spans["trace_key"].to_pylist(), page.spans["link_key"].to_pylist()
    alone = [trace not in touched and link not in linked for trace, link in zip(traces, links, strict=True)]
    return None if all(alone) else alone


def _readings(page: Page, chosen: Sequence[bool], from_evidence: Callable[[str], Extracted]) -> list[Reading]:
    received_ns = {batch.position: batch.received_ns for batch in page.batches}
    columns = [list(compress(page.spans[name].to_pylist(), chosen)) for name in _AGAIN]
    return [
        Reading(position, ordinal, position, received_ns[position], tenant, sender, from_evidence(text), text, digest)
        for position, ordinal, tenant, sender, text, digest in zip(*columns, strict=True)
    ]


def _without_ignored_evidence(spans: pa.Table) -> pa.Table:
    ignored = pc.equal(spans["fate"], Fate.IGNORED.value)
    if not pc.any(ignored).as_py():
        return spans
    at = spans.schema.get_field_index("evidence")
    return spans.set_column(at, spans.schema.field(at), pc.if_else(ignored, "", spans["evidence"]))
