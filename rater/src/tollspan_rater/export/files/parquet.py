"""Parquet: decimals as DECIMAL(38,12), never as floating point; what does not fit is refused, never rounded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from tollspan_rater.domain.clock import to_ns
from tollspan_rater.export.files.sheet import Column, Kind, Problem, Row, Sheet, instant_text
from tollspan_rater.pricing.model import shortest
from tollspan_rater.query.answer import Cell

DIGITS, BEHIND_POINT = 38, 12
_TYPES: Final[Mapping[Kind, pa.DataType]] = {
    "text": pa.string(),
    "decimal": pa.decimal128(DIGITS, BEHIND_POINT),
    "integer": pa.int64(),
    "instant": pa.timestamp("us", tz="UTC"),
    "texts": pa.list_(pa.string()),
}


def write_parquet(sheet: Sheet) -> bytes:
    """Write a sheet whose rows all fit (:func:`unfit`); the same sheet gives the same bytes."""
    schema = pa.schema([(column.name, _TYPES[column.kind]) for column in sheet.columns])
    columns = [[_value(column, row.get(column.name)) for row in sheet.rows] for column in sheet.columns]
    table = pa.Table.from_arrays(
        [pa.array(values, type=field.type) for values, field in zip(columns, schema, strict=True)], schema=schema
    )
    buffer = BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def read_parquet(content: bytes) -> list[dict[str, str | None]]:
    """Read a file that :func:`write_parquet` wrote, each cell as the text that CSV has."""
    rows = pq.read_table(BytesIO(content), use_threads=False).to_pylist()
    return [{name: _text(cell) for name, cell in row.items()} for row in rows]


def unfit(sheet: Sheet, row: Row) -> Problem | None:
    """Return the first decimal of a row that DECIMAL(38,12) cannot hold exactly."""
    for column in sheet.columns:
        cell = row.get(column.name)
        if column.kind == "decimal" and isinstance(cell, Decimal) and not _fits(cell):
            why = f"{cell:f} does not fit DECIMAL({DIGITS},{BEHIND_POINT}) and is not rounded; CSV takes it"
            return Problem("too_many_digits", column.name, why)
    return None


def _fits(number: Decimal) -> bool:
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        return False
    significant = "".join(map(str, digits)).rstrip("0")
    last = exponent + len(digits) - len(significant)
    return not significant or (last >= -BEHIND_POINT and len(significant) + last <= DIGITS - BEHIND_POINT)


def _value(column: Column, cell: Cell) -> Any:
    match column.kind, cell:
        case "decimal", Decimal():
            return shortest(cell)
        case "instant", str():
            return datetime.fromisoformat(cell)
        case _:
            return cell


def _text(cell: Any) -> str | None:
    match cell:
        case None | str():
            return cell
        case Decimal():
            return f"{cell:f}"
        case datetime():
            return instant_text(to_ns(cell))
        case _:
            return json.dumps(cell, ensure_ascii=False)
