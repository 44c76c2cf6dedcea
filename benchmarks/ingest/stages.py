"""Where the time of one span goes: each stage of the rater alone, one after another, on one thread."""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from benchmarks.ingest.spans import Load
from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.entries import Batch, NewBatch
from tollspan_rater.domain.span import Span
from tollspan_rater.extract.evidence import sealed
from tollspan_rater.extract.extract import extract
from tollspan_rater.extract.settle import settle
from tollspan_rater.ingest.content import strip
from tollspan_rater.ingest.decode import decode
from tollspan_rater.ingest.journal_row import pack
from tollspan_rater.pipeline.ahead import PAGE_BYTES
from tollspan_rater.pipeline.page import page_of
from tollspan_rater.pipeline.reading import Reader
from tollspan_rater.server.meaning import MEANING
from tollspan_rater.store.database import Database

T = TypeVar("T")


def stages(load: Load) -> dict[str, float]:
    """Return CPU microseconds a span of each stage; small requests share a page, as they do in the rater."""
    requests = list(load.requests())
    batches = [Batch(at, load.first_ns, "bench", "bench", "otlp-proto", body) for at, body in enumerate(requests, 1)]
    share = PAGE_BYTES // len(requests[0]) + 1
    spent: dict[str, float] = {}

    def timed(name: str, work: Callable[[], T]) -> T:
        gc.collect()
        gc.disable()
        begin = time.process_time()
        result = work()
        spent[name] = (time.process_time() - begin) / load.spans * 1e6
        gc.enable()
        return result

    timed("content search", lambda: [strip(body, "otlp-proto") for body in requests])
    new = [NewBatch(load.first_ns, "bench", "bench", "otlp-proto", body) for body in requests]
    timed("journal row", lambda: [pack(one) for one in new])
    pieces = timed("decode", lambda: [piece for batch in batches for piece in decode(batch)])
    spans = [piece for piece in pieces if isinstance(piece, Span)]
    extracted = timed("extract", lambda: _extracted(spans))
    timed("evidence", lambda: [sealed(one) for one in extracted])
    timed("settle", lambda: [settle([one]) for one in extracted])
    reader = Reader(decode, extract, sealed)
    readings = {batch.position: reader.read(batch) for batch in batches}
    shared = [batches[at : at + share] for at in range(0, len(batches), share)]
    pages = timed(
        "settle+rows",
        lambda: [page_of(few, lambda one: readings[one.position], settle, MEANING.link_of) for few in shared],
    )
    spent["rows"] = spent.pop("settle+rows") - spent["settle"]
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "stages.duckdb")
        timed("append", lambda: [database.append({"spans": page.spans, "legs": page.legs}) for page in pages])
        database.close()
    return spent


def _extracted(spans: Iterable[Span]) -> list[Extracted]:
    return [found for found in map(extract, spans) if isinstance(found, Extracted)]
