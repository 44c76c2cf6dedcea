"""The whole way of the same spans, from the journal's bytes to calls in the store, and where its time goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from benchmarks.in_memory import Entries
from tollspan_rater.domain.entries import Batch
from tollspan_rater.extract.evidence import sealed
from tollspan_rater.extract.extract import extract
from tollspan_rater.ingest.decode import decode
from tollspan_rater.pipeline.reading import Reader
from tollspan_rater.pipeline.writer import Writer
from tollspan_rater.server.meaning import MEANING
from tollspan_rater.store.database import Database

T = TypeVar("T")


@dataclass(slots=True)
class Spent:
    """CPU seconds in all and of each stage, and how many rows each table got."""

    total: float = 0.0
    of: dict[str, float] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    def timed(self, stage: str, work: Callable[..., T]) -> Callable[..., T]:
        """Return a function that does the same and notes how long it took."""
        self.of[stage] = 0.0

        def working(*arguments: Any, **named: Any) -> T:
            begin = time.process_time_ns()
            result = work(*arguments, **named)
            self.of[stage] += (time.process_time_ns() - begin) / 1e9
            return result

        return working


def store_whole(batches: Sequence[Batch], path: Path) -> Spent:
    """Apply batches to a new store on one thread."""
    spent = Spent()
    timed = spent.timed
    reader = Reader(timed("decode", decode), timed("extract", extract), timed("evidence", sealed))
    meaning = replace(MEANING, settle=timed("settle", MEANING.settle))
    database = Database(path)
    append = timed("append", database.append)
    with patch.object(database, "append", append):
        writer = Writer(Entries(batches, 0), database, reader, meaning)
        begin = time.process_time()
        writer.catch_up()
        spent.total = time.process_time() - begin
    for table in ("spans", "legs", "calls", "fates"):
        spent.rows[table] = len(database.reader().table(table))
    database.close()
    return spent
