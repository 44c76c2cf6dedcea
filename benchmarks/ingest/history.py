"""What a batch costs beside history: 0.1, 1 and 10 million stored spans, batches of 100 and of 20,000."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.in_memory import Entries, Nobody
from benchmarks.ingest.spans import Load
from tollspan_rater.domain.entries import Batch
from tollspan_rater.pipeline.subjects import Subjects
from tollspan_rater.pipeline.writer import Writer
from tollspan_rater.server.meaning import MEANING, reader
from tollspan_rater.store.database import Database

# Spans as the pipeline stores them, in random order of their keys as real ids are; hash() is DuckDB's.
_FILL: Final = """
INSERT INTO spans
SELECT 'bench', (hash(i) >> 1)::BIGINT, (hash(i + 1e12::BIGINT) >> 1)::BIGINT, printf('%032x', hash(i)),
       printf('%016x', i), '', i // 512 - 1e9::BIGINT, i % 512, 1700000000000000000 + i, 1700000001000000000 + i,
       'stored', NULL, 'call', TRUE, FALSE, printf('%016x', hash(i)), 'bench', 'process', i, '{"i":1120,"o":583}'
FROM range(?, ?) AS numbers(i)
"""


def history(sizes: Sequence[int], batches: Sequence[tuple[int, int]], first_ns: int) -> dict[tuple[int, int], float]:
    """Return wall microseconds a span by (spans in a batch, spans stored); ``batches`` are (size, how many)."""
    found: dict[tuple[int, int], float] = {}
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "history.duckdb")
        stored, seed = 0, 100
        for size in sizes:
            database.reader().execute(_FILL, [stored, size])
            database.checkpoint()
            stored = size
            for spans, times in batches:
                seed += 1
                found[spans, size] = _cost(database, Load(spans * times, min(spans, 500), seed, first_ns), spans)
        database.close()
    return found


def _cost(database: Database, load: Load, spans: int) -> float:
    """Return the median over batches, each applied in steps of its own."""
    requests = list(load.requests())
    each = spans // load.per_request
    names = Subjects(Nobody())
    costs = []
    for start in range(0, len(requests), each):
        position = database.position()
        batches = [
            Batch(at, load.first_ns, "bench", "bench", "otlp-proto", body)
            for at, body in enumerate(requests[start : start + each], position + 1)
        ]
        writer = Writer(Entries(batches, position), database, reader(names), MEANING)
        begin = time.perf_counter()
        writer.catch_up()
        costs.append((time.perf_counter() - begin) / spans * 1e6)
    return statistics.median(costs)
