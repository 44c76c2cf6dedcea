"""What one step of the pipeline appends: rows of each table, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.correction import Correction
from tollspan_rater.domain.entries import Batch, Command, Entry
from tollspan_rater.domain.fates import Fate
from tollspan_rater.pipeline.judge import Verdict
from tollspan_rater.pipeline.reading import Reading, SetAside
from tollspan_rater.pipeline.span_row import LinkOf, span_row
from tollspan_rater.store.corrections import rows_of
from tollspan_rater.store.legs import LegRow
from tollspan_rater.store.tables import table

Row = tuple[Any, ...]


@dataclass(slots=True)
class Changes:
    """What to append to each table: ``rows`` filled during one step, and tables that were ``ready`` before it."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    ready: dict[str, pa.Table] = field(default_factory=dict)

    def add(self, name: str, row: Row) -> None:
        """Add one row of a table."""
        self.rows.setdefault(name, []).append(row)

    def extend(self, name: str, rows: list[LegRow]) -> None:
        """Add several rows of a table."""
        if rows:
            self.rows.setdefault(name, []).extend(rows)

    def tables(self) -> Mapping[str, pa.Table]:
        """Return the rows as Arrow tables, behind those that were ready before."""
        made = {name: table(name, rows) for name, rows in self.rows.items()}
        both = {name: pa.concat_tables([rows, made[name]]) for name, rows in self.ready.items() if name in made}
        return {**self.ready, **made, **both}

    def entry(self, entry: Entry, pieces: int) -> None:
        """Add the row that says the store has come past a journal entry."""
        match entry:
            case Batch(position, received_ns, tenant, sender):
                self.add("entries", (position, "batch", tenant, received_ns, sender, pieces))
            case Command(position, at_ns, tenant, actor, kind):
                self.add("entries", (position, kind, tenant, at_ns, actor, pieces))

    def held(self, reading: Reading, extracted: Extracted, verdict: Verdict, link_of: LinkOf) -> None:
        """Add a span version that now holds for its key, and the end of the one it replaces."""
        if reading.at_position != reading.position:
            self._fate(reading, (extracted.trace_id, extracted.span_id), verdict.fate, verdict.reason, None)
        evidence = reading.evidence if verdict.fate is Fate.STORED else ""
        self.add("spans", span_row(reading, extracted, verdict, link_of, evidence))
        old = verdict.replaces
        if old is not None:
            name = f"{reading.position}:{reading.ordinal}"
            self.add(
                "fates",
                (reading.tenant, old.position, old.ordinal, extracted.trace_id, extracted.span_id,
                 Fate.SUPERSEDED.value, "a final version came", name, reading.at_position),
            )  # fmt: skip

    def corrected(self, corrections: Iterable[Correction]) -> None:
        """Add corrections that were not known; one that is about several traces has a row for each."""
        self.extend("corrections", [row for one in corrections for row in rows_of(one)])

    def not_held(self, reading: Reading, extracted: Extracted, verdict: Verdict) -> None:
        """Add the fate of a piece that changes nothing: a copy, a conflict, an outdated version."""
        by = None if verdict.held_by is None else verdict.held_by.name
        self._fate(reading, (extracted.trace_id, extracted.span_id), verdict.fate, verdict.reason, by)

    def aside(self, reading: Reading, aside: SetAside) -> None:
        """Add a quarantined piece with what is kept of it."""
        ids = (aside.trace_id, aside.span_id)
        self._fate(reading, ids, Fate.QUARANTINED, aside.reason, None)
        self.add(
            "quarantine",
            (reading.tenant, reading.position, reading.ordinal, reading.received_ns, aside.reason, aside.error,
             *ids, aside.kept_as, aside.raw, reading.at_position),
        )  # fmt: skip

    def _fate(
        self, reading: Reading, ids: tuple[str, str], fate: Fate, reason: str | None, held_by: str | None
    ) -> None:
        self.add(
            "fates",
            (reading.tenant, reading.position, reading.ordinal, *ids, fate.value, reason, held_by,
             reading.at_position),
        )  # fmt: skip
