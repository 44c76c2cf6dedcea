"""Rows out of a file: CSV with a header line, or one JSON object a line; each with its place for messages."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

from tollspan_rater.errors import UsageError


def read_rows(path: Path) -> list[tuple[str, dict[str, str]]]:
    """Return the rows of a file as texts, with the place of each, ``FILE:LINE``; empty cells are left out.

    Raises:
        UsageError: the file's name ends in neither .csv nor .jsonl, or a line cannot be read; names the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: this is not UTF-8 at byte {error.start}; save it as UTF-8") from error
    if path.suffix == ".csv":
        return [_from_cells(f"{path}:{line}", row) for line, row in enumerate(csv.DictReader(StringIO(text, "")), 2)]
    if path.suffix in {".jsonl", ".ndjson"}:
        lines = enumerate(text.splitlines(), 1)
        return [_from_json(f"{path}:{line}", row) for line, row in lines if row.strip()]
    raise UsageError(f"{path}: give a .csv or a .jsonl file")


def _from_cells(place: str, row: dict[str | Any, Any]) -> tuple[str, dict[str, str]]:
    if None in row:
        raise UsageError(f"{place}: more cells than the header names")
    return place, {name.strip(): cell.strip() for name, cell in row.items() if cell and cell.strip()}


def _from_json(place: str, row: str) -> tuple[str, dict[str, str]]:
    try:
        said = json.loads(row, parse_float=str, parse_int=str)
    except ValueError as error:
        raise UsageError(f"{place}: this is no JSON: {error}") from error
    if not isinstance(said, dict) or not all(isinstance(value, str | None) for value in said.values()):
        raise UsageError(f'{place}: a flat JSON object is needed, for example {{"customer": "acme", "input": 1200}}')
    return place, {name: value for name, value in said.items() if value}
