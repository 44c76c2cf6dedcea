"""The columns of the store's tables in Arrow's types, and rows of tuples as Arrow tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

_TEXT, _LONG, _INT, _FLAG = pa.string(), pa.int64(), pa.int32(), pa.bool_()
_TEXTS = pa.list_(pa.string())

_TABLES: Final[dict[str, pa.Schema]] = {
    name: pa.schema(columns)
    for name, columns in {
        "entries": [
            ("position", _LONG), ("kind", _TEXT), ("tenant", _TEXT), ("at_ns", _LONG), ("sender", _TEXT),
            ("pieces", _INT),
        ],
        "spans": [
            ("tenant", _TEXT), ("trace_key", _LONG), ("link_key", _LONG), ("trace_id", _TEXT), ("span_id", _TEXT),
            ("parent_id", _TEXT), ("position", _LONG), ("ordinal", _INT), ("start_ns", _LONG), ("end_ns", _LONG),
            ("fate", _TEXT), ("reason", _TEXT), ("role", _TEXT), ("final", _FLAG), ("late", _FLAG),
            ("digest", _TEXT), ("sender", _TEXT), ("process_id", _TEXT), ("seq", _LONG), ("evidence", _TEXT),
            ("at_position", _LONG),
        ],
        "fates": [
            ("tenant", _TEXT), ("position", _LONG), ("ordinal", _INT), ("trace_id", _TEXT), ("span_id", _TEXT),
            ("fate", _TEXT), ("reason", _TEXT), ("held_by", _TEXT), ("at_position", _LONG),
        ],
        "quarantine": [
            ("tenant", _TEXT), ("position", _LONG), ("ordinal", _INT), ("at_ns", _LONG), ("reason", _TEXT),
            ("error", _TEXT), ("trace_id", _TEXT), ("span_id", _TEXT), ("kept_as", _TEXT), ("raw", pa.binary()),
            ("at_position", _LONG),
        ],
        "legs": [
            ("tenant", _TEXT), ("call_id", _TEXT), ("revision", _INT), ("sign", pa.int8()), ("position", _LONG),
            ("trace_key", _LONG), ("kind", _TEXT), ("started_ns", _LONG), ("ended_ns", _LONG), ("members", _TEXTS),
            ("trace_ids", _TEXTS), ("evidence", _TEXT), ("dialect", _TEXT), ("provider", _TEXT), ("model", _TEXT),
            ("request_model", _TEXT), ("operation", _TEXT), ("response_id", _TEXT), ("record_id", _TEXT),
            ("attempt", _INT), ("retry_of", _TEXT), ("outcome", _TEXT), ("quality", _TEXT), ("service_tier", _TEXT),
            ("stream", _FLAG), ("ttft_ms", _LONG), ("input", _LONG), ("cache_read", _LONG), ("cache_write", _LONG),
            ("cache_write_5m", _LONG), ("cache_write_1h", _LONG), ("audio_in", _LONG), ("image_in", _LONG),
            ("output", _LONG), ("reasoning", _LONG), ("audio_out", _LONG), ("units", _TEXT), ("meter", _TEXT),
            ("quantity", pa.decimal128(38, 12)), ("reported_cost", pa.decimal128(38, 18)), ("customer", _TEXT),
            ("user", _TEXT), ("organization", _TEXT), ("project", _TEXT), ("workspace", _TEXT), ("feature", _TEXT),
            ("feature_flag", _TEXT), ("workflow", _TEXT), ("run", _TEXT), ("prompt", _TEXT),
            ("prompt_version", _TEXT), ("environment", _TEXT), ("region", _TEXT), ("agent", _TEXT),
            ("request_type", _TEXT), ("phase", _TEXT), ("subscription", _TEXT), ("billable", _FLAG),
            ("tags", _TEXT), ("flags", _TEXTS), ("terms", _TEXT), ("details", _TEXT), ("conflicts", _TEXT),
        ],
        "customers": [
            ("tenant", _TEXT), ("customer", _TEXT), ("position", _LONG), ("at_ns", _LONG), ("body", _TEXT),
        ],
        "price_versions": [
            ("tenant", _TEXT), ("version", _TEXT), ("position", _LONG), ("at_ns", _LONG), ("valid_from_ns", _LONG),
            ("author", _TEXT), ("note", _TEXT), ("body", _TEXT),
        ],
        "span_rules": [
            ("tenant", _TEXT), ("version", _TEXT), ("position", _LONG), ("at_ns", _LONG), ("author", _TEXT),
            ("note", _TEXT), ("body", _TEXT),
        ],
        "keys": [("tenant", _TEXT), ("key_id", _TEXT), ("position", _LONG), ("at_ns", _LONG), ("body", _TEXT)],
        "corrections": [
            ("tenant", _TEXT), ("correction", _TEXT), ("call_id", _TEXT), ("position", _LONG), ("trace_key", _LONG),
            ("at_ns", _LONG), ("actor", _TEXT), ("kind", _TEXT), ("note", _TEXT), ("as_of", _LONG), ("meter", _TEXT),
            ("members", _TEXTS), ("changes", _TEXT), ("undoes", _TEXT), ("wish", _TEXT), ("calls", _INT),
        ],
        "statements": [
            ("tenant", _TEXT), ("customer", _TEXT), ("period", _TEXT), ("zone", _TEXT), ("start_ns", _LONG),
            ("end_ns", _LONG), ("cycle_ns", _LONG), ("position", _LONG), ("at_ns", _LONG), ("actor", _TEXT),
            ("cutoff", _LONG), ("release", _TEXT), ("digest", _TEXT), ("body", _TEXT),
        ],
        "postings": [
            ("tenant", _TEXT), ("customer", _TEXT), ("period", _TEXT), ("position", _LONG), ("line_id", _TEXT),
            ("account", _TEXT), ("currency", _TEXT), ("amount", _TEXT),
        ],
        "imported_revenue": [
            ("tenant", _TEXT), ("id", _TEXT), ("position", _LONG), ("at_ns", _LONG), ("customer", _TEXT),
            ("day", _TEXT), ("amount", _TEXT), ("currency", _TEXT), ("note", _TEXT),
        ],
        "export_items": [
            ("tenant", _TEXT), ("export", _TEXT), ("item_id", _TEXT), ("position", _LONG), ("place", _LONG),
            ("at_ns", _LONG), ("target", _TEXT), ("source", _TEXT), ("customer", _TEXT), ("component", _TEXT),
            ("ordinal", _INT), ("meter", _TEXT), ("period", _TEXT), ("start_ns", _LONG), ("end_ns", _LONG),
            ("stamp_ns", _LONG), ("quantity", _TEXT), ("amount", _TEXT), ("currency", _TEXT), ("draft", _TEXT),
            ("element", _TEXT),
        ],
        "export_facts": [
            ("tenant", _TEXT), ("export", _TEXT), ("item_id", _TEXT), ("position", _LONG), ("place", _LONG),
            ("at_ns", _LONG), ("actor", _TEXT), ("kind", _TEXT), ("body", _TEXT),
        ],
        "export_switches": [
            ("tenant", _TEXT), ("export", _TEXT), ("position", _LONG), ("at_ns", _LONG), ("actor", _TEXT),
            ("paused", _FLAG), ("note", _TEXT),
        ],
        "forgotten": [("tenant", _TEXT), ("subject", _TEXT), ("position", _LONG)],
    }.items()
}  # fmt: skip
SCHEMAS: Final[dict[str, pa.Schema]] = {**_TABLES, "uncorrected": _TABLES["legs"]}


def table(name: str, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Turn rows (tuples in the order of the table's columns) into an Arrow table."""
    schema = SCHEMAS[name]
    if not rows:
        return schema.empty_table()
    columns = zip(*rows, strict=True)
    return pa.table([_array(column, kind.type) for column, kind in zip(columns, schema, strict=True)], schema=schema)


def _array(column: tuple[Any, ...], kind: pa.DataType) -> pa.Array:
    """Convert a column; one that says the same in every row, as most do, without looking at each value again."""
    same = column[0]
    if same == column[-1] and column.count(same) == len(column):
        return pa.nulls(len(column), kind) if same is None else pa.repeat(pa.scalar(same, kind), len(column))
    return pa.array(column, kind)
