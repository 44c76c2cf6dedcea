"""The spans that hang together with some traces: what settlement saw when it made their calls."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

import duckdb

from tollspan_rater.domain.call import Extracted
from tollspan_rater.domain.fates import Fate, Role
from tollspan_rater.extract.evidence import from_evidence
from tollspan_rater.store.legs import trace_key
from tollspan_rater.store.lookup import SPAN_COLUMNS, StoredSpan, held_versions

_SPANS: Final = "SELECT {columns} FROM spans WHERE tenant = ? AND {key} IN (SELECT unnest(?::BIGINT[]))"


def spans_together(
    connection: duckdb.DuckDBPyConnection, tenant: str, trace_ids: Iterable[str]
) -> dict[str, StoredSpan]:
    """Return the held spans of some traces, and of all that response ids tie to them, by ``trace_id:span_id``."""
    traces = {trace_key(trace_id) for trace_id in trace_ids}
    found: list[StoredSpan] = []
    searched: set[int] = set()
    while traces:
        rows = _selected(connection, tenant, ", ".join(SPAN_COLUMNS), "trace_key", traces)
        found.extend(StoredSpan(*row) for row in rows)
        links = {span.link_key for span in found if span.link_key is not None} - searched
        searched |= links
        known = {span.trace_key for span in found}
        traces = {key for (key,) in _selected(connection, tenant, "trace_key", "link_key", links)} - known
    return {f"{span.trace_id}:{span.span_id}": span for span in held_versions(found).values()}


def read(span: StoredSpan) -> Extracted:
    """Return what the store holds of a span; of an ignored one only its place."""
    if span.fate == Fate.STORED:
        return from_evidence(span.evidence)
    return Extracted(
        span.tenant, span.trace_id, span.span_id, span.parent_id, span.start_ns, span.end_ns, Role.NONE, ""
    )


def _selected(
    connection: duckdb.DuckDBPyConnection, tenant: str, columns: str, key: str, values: Collection[int]
) -> list[tuple[Any, ...]]:
    if not values:
        return []
    query = _SPANS.format(columns=columns, key=key)
    return connection.execute(query, [tenant, list(values)]).fetchall()
