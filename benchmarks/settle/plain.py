"""Plain storing, the yardstick: every column of every decoded span into DuckDB, and nothing understood."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import duckdb
import orjson
import pyarrow as pa

from tollspan_rater.domain.entries import Batch
from tollspan_rater.domain.span import Span
from tollspan_rater.ingest.decode import decode

REQUESTS_A_COMMIT: Final = 16  # as many as a step of the writer takes of these
_LONG: Final = ("start_ns", "end_ns", "kind", "status", "dropped_attributes")
_JSON: Final = ("attributes", "resource")
_NAMES: Final = tuple(field.name for field in fields(Span))
_VALUES: Final = attrgetter(*_NAMES)
_SCHEMA: Final = pa.schema([(name, pa.int64() if name in _LONG else pa.string()) for name in _NAMES])


def store_plainly(batches: Sequence[Batch], path: Path) -> float:
    """Decode and store spans; returns CPU seconds."""
    connection = duckdb.connect(str(path))
    columns = ", ".join(f'"{name}" {"BIGINT" if name in _LONG else "VARCHAR"}' for name in _NAMES)
    connection.execute(f"CREATE TABLE spans ({columns})")
    begin = time.process_time()
    for start in range(0, len(batches), REQUESTS_A_COMMIT):
        rows = [
            _row(piece)
            for batch in batches[start : start + REQUESTS_A_COMMIT]
            for piece in decode(batch)
            if isinstance(piece, Span)
        ]
        arrays = [pa.array(column, of.type) for column, of in zip(zip(*rows, strict=True), _SCHEMA, strict=True)]
        connection.register("decoded", pa.table(arrays, _SCHEMA))
        connection.execute("INSERT INTO spans SELECT * FROM decoded")
        connection.unregister("decoded")
    spent = time.process_time() - begin
    connection.close()
    return spent


def _row(span: Span) -> tuple[Any, ...]:
    values = dict(zip(_NAMES, _VALUES(span), strict=True))
    values |= {name: orjson.dumps(values[name]).decode() for name in _JSON}
    return tuple(values.values())
