"""The floor under any store of usage in this place: decode with protobuf, 17 columns, Arrow, DuckDB; nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tollspan import semconv

REQUESTS_A_COMMIT: Final = 8
_READ: Final = (
    semconv.RECORD_ID, semconv.OUTCOME, semconv.PROVIDER, semconv.REQUEST_MODEL, semconv.RESPONSE_MODEL,
    semconv.RESPONSE_ID, semconv.INPUT_TOKENS, semconv.OUTPUT_TOKENS, semconv.attribution_attribute("customer"),
    semconv.attribution_attribute("user"), semconv.attribution_attribute("feature"), semconv.USAGE_RAW,
)  # fmt: skip
_COUNTS: Final = frozenset({semconv.INPUT_TOKENS, semconv.OUTPUT_TOKENS})
_FIELDS: Final = ("trace_id", "span_id", "start_ns", "end_ns", "name")
_SCHEMA: Final = pa.schema(
    [(name, pa.int64() if name.endswith("_ns") else pa.string()) for name in _FIELDS]
    + [(name, pa.int64() if name in _COUNTS else pa.string()) for name in _READ]
)


def decode_and_append(requests: Iterable[bytes], path: Path) -> tuple[float, float]:
    """Decode requests and append their spans, a commit every 8 requests; returns seconds and CPU seconds."""
    connection = duckdb.connect(str(path))
    columns = ", ".join(f'"{field.name}" {"BIGINT" if field.type == pa.int64() else "VARCHAR"}' for field in _SCHEMA)
    connection.execute(f"CREATE TABLE spans ({columns})")
    begin, cpu = time.perf_counter(), time.process_time()
    following = iter(requests)
    while group := list(islice(following, REQUESTS_A_COMMIT)):
        rows = [row for request in group for row in _rows(request)]
        decoded = pa.table([pa.array(column, of.type) for column, of in zip(zip(*rows), _SCHEMA)], _SCHEMA)  # noqa: B905 - speed is measured
        connection.register("decoded", decoded)
        connection.execute("INSERT INTO spans SELECT * FROM decoded")
        connection.unregister("decoded")
    spent = time.perf_counter() - begin, time.process_time() - cpu
    connection.close()
    return spent


def _rows(request: bytes) -> Iterator[list[Any]]:
    places = {name: at for at, name in enumerate(_READ, len(_FIELDS))}
    for resource in ExportTraceServiceRequest.FromString(request).resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                row = [
                    span.trace_id.hex(), span.span_id.hex(), span.start_time_unix_nano, span.end_time_unix_nano,
                    span.name, *[None] * len(_READ),
                ]  # fmt: skip
                for attribute in span.attributes:
                    at = places.get(attribute.key)
                    if at is not None:
                        value = attribute.value
                        row[at] = value.int_value if attribute.key in _COUNTS else value.string_value
                yield row
