"""The forms of a file: CSV, JSON lines, Parquet. Each is written from a sheet and read back as text."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Final

from tollspan_rater.export.files.parquet import read_parquet, unfit, write_parquet
from tollspan_rater.export.files.sheet import Problem, Row, Sheet, problem
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.render import as_csv, as_jsonl, original

Rows = list[dict[str, str | None]]


@dataclass(frozen=True, slots=True)
class Form:
    """A form of file. ``read`` undoes ``write``, with every cell as text and ``None`` for unknown.

    ``unfit`` says why a row cannot be written in this form although it is in order.
    """

    suffix: str
    write: Callable[[Sheet], bytes]
    read: Callable[[bytes], Rows]
    unfit: Callable[[Sheet, Row], Problem | None] = lambda _sheet, _row: None


def fault(form: Form, sheet: Sheet, row: Row) -> Problem | None:
    """Return why a row cannot stand in a file of this form, None when it can."""
    return problem(sheet.columns, row) or form.unfit(sheet, row)


def _write_csv(sheet: Sheet) -> bytes:
    return as_csv(_answer(sheet)).encode()


def _read_csv(content: bytes) -> Rows:
    found = csv.DictReader(StringIO(content.decode(), newline=""))
    return [{name: original(cell) or None for name, cell in row.items()} for row in found]


def _write_jsonl(sheet: Sheet) -> bytes:
    return as_jsonl(_answer(sheet)).encode()


def _read_jsonl(content: bytes) -> Rows:
    return [
        {name: cell if cell is None or isinstance(cell, str) else json.dumps(cell) for name, cell in row.items()}
        for row in map(json.loads, content.decode().split("\n")[:-1])
    ]


def _answer(sheet: Sheet) -> Answer:
    return Answer("", sheet.names, sheet.rows, 0)


CSV: Final = Form("csv", _write_csv, _read_csv)
JSONL: Final = Form("jsonl", _write_jsonl, _read_jsonl)
PARQUET: Final = Form("parquet", write_parquet, read_parquet, unfit)
FORMS: Final[Mapping[str, Form]] = {form.suffix: form for form in (CSV, JSONL, PARQUET)}
