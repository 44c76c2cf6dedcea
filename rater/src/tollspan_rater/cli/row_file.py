"""Rows out of a file: CSV with a header line, or one JSON object a line."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

from tollspan_rater.errors import UsageError

Row = dict[str, Any]


def read_rows(path: Path) -> list[tuple[int, Row]]:
    """Return the rows of a file with their line numbers, in its order; empty cells of CSV are not given.

    Raises:
        UsageError: the file's name ends in neither .csv nor .jsonl, or a line cannot be read; names the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: this is not UTF-8 at byte {error.start}; save it as UTF-8") from error
    if path.suffix == ".csv":
        return [(line, _cells(path, line, row)) for line, row in enumerate(csv.DictReader(StringIO(text, "")), 2)]
    if path.suffix in {".jsonl", ".ndjson"}:
        return [(line, _object(path, line, row)) for line, row in enumerate(text.splitlines(), 1) if row.strip()]
    raise UsageError(f"{path}: give a .csv or a .jsonl file")


def read_texts(path: Path) -> list[tuple[str, dict[str, str]]]:
    """Return the rows of a file as texts, with the place of each, ``FILE:LINE``; empty values are left out.

    Raises:
        UsageError: as :func:`read_rows`, or for a value that is neither text nor a number.
    """
    return [(f"{path}:{line}", _texts(f"{path}:{line}", row)) for line, row in read_rows(path)]


def _texts(place: str, row: Row) -> dict[str, str]:
    if any(isinstance(value, bool | dict | list) for value in row.values()):
        raise UsageError(f'{place}: a flat JSON object is needed, for example {{"customer": "acme", "input": 1200}}')
    texts = {name.strip(): str(value).strip() for name, value in row.items() if value is not None}
    return {name: text for name, text in texts.items() if text}


def _cells(path: Path, line: int, row: dict[str | Any, Any]) -> Row:
    if None in row:
        raise UsageError(f"{path}:{line}: more cells than the header names")
    return {name: cell for name, cell in row.items() if cell}


def _object(path: Path, line: int, row: str) -> Row:
    try:
        body = json.loads(row, parse_float=str)
    except ValueError as error:
        raise UsageError(f"{path}:{line}: this is no JSON: {error}") from error
    if not isinstance(body, dict):
        raise UsageError(f"{path}:{line}: a JSON object is needed, for example {{'customer': 'acme'}}")
    return body
