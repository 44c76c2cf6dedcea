"""What a batch costs beside history: 0.1, 1 and 10 million stored spans, batches of 100 and of 20,000."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
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
       'stored', NULL, 'call', TRUE, FALSE, printf('%016x', hash(i)), 'bench', 'process', i, '{"i":1120,"o":583}',
       i // 512 - 1e9::BIGINT
FROM range(?, ?) AS numbers(i)
"""


def history(sizes: Sequence[int], batches: Sequence[tuple[int, int]], first_ns: int) -> dict[tuple[int, int], float]:
    """Return CPU microseconds a span by (spans in a batch, spans stored); ``batches`` are (size, how many).

    The stores take turns, batch by batch, so that whatever else the machine does weighs on all of them alike.
    """
    found: dict[tuple[int, int], float] = {}
    with tempfile.TemporaryDirectory() as folder:
        stores = {size: _filled(Path(folder) / f"{size}.duckdb", size) for size in sizes}
        for seed, (spans, times) in enumerate(batches, 100):
            load = Load(spans * times, min(spans, 500), seed, first_ns)
            costs = [[_cost(database, batch, load) for database in stores.values()] for batch in _batches(load, spans)]
            medians = [statistics.median(of_one) for of_one in zip(*costs, strict=True)]
            found |= {(spans, size): cost / spans * 1e6 for size, cost in zip(sizes, medians, strict=True)}
        for database in stores.values():
            database.close()
    return found


def _filled(path: Path, size: int) -> Database:
    """Make a store with its index, as it is when it has grown to that size."""
    database = Database(path)
    database.reader().execute(_FILL, [0, size])
    database.checkpoint()
    while database.keys_of("spans").rest is not None:
        pass  # each look-up takes in a block
    return database


def _batches(load: Load, spans: int) -> Iterator[list[bytes]]:
    requests = load.requests()
    while batch := list(islice(requests, spans // load.per_request)):
        yield batch


def _cost(database: Database, batch: Sequence[bytes], load: Load) -> float:
    """Return the CPU seconds of all threads that a batch takes, applied in a step of its own."""
    position = database.position()
    batches = [
        Batch(at, load.first_ns, "bench", "bench", "otlp-proto", body) for at, body in enumerate(batch, position + 1)
    ]
    writer = Writer(Entries(batches, position), database, reader(Subjects(Nobody())), MEANING)
    begin = time.process_time()
    writer.catch_up()
    return time.process_time() - begin
