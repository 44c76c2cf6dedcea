"""Customers out of a file: CSV with a header line, or one JSON object a line."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any, Final

from tollspan_rater.errors import UsageError

_EXTERNAL: Final = "external_ids."
_ADDONS: Final = "addons."


def read_customers(path: Path) -> list[dict[str, Any]]:
    """Return the bodies of ``customer.set`` that a file holds, in its order.

    Raises:
        UsageError: the file's name ends in neither .csv nor .jsonl, or a line cannot be read; names the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: this is not UTF-8 at byte {error.start}; save it as UTF-8") from error
    if path.suffix == ".csv":
        return [_from_cells(path, line, row) for line, row in enumerate(csv.DictReader(StringIO(text, "")), 2)]
    if path.suffix in {".jsonl", ".ndjson"}:
        return [_from_json(path, line, row) for line, row in enumerate(text.splitlines(), 1) if row.strip()]
    raise UsageError(f"{path}: give a .csv or a .jsonl file")


def _from_cells(path: Path, line: int, row: dict[str | Any, Any]) -> dict[str, Any]:
    if None in row:
        raise UsageError(f"{path}:{line}: more cells than the header names")
    given = {name: cell for name, cell in row.items() if cell}
    body: dict[str, Any] = {name: cell for name, cell in given.items() if not name.startswith((_EXTERNAL, _ADDONS))}
    external = {name.removeprefix(_EXTERNAL): cell for name, cell in given.items() if name.startswith(_EXTERNAL)}
    held = {name.removeprefix(_ADDONS): cell for name, cell in given.items() if name.startswith(_ADDONS)}
    if external:
        body["external_ids"] = external
    if held:
        since = {"from": body["from"]} if "from" in body else {}
        body["addons"] = [{"addon": name, "quantity": cell, **since} for name, cell in held.items()]
        if "plan" not in body:
            body.pop("from", None)
    return body


def _from_json(path: Path, line: int, row: str) -> dict[str, Any]:
    try:
        body = json.loads(row)
    except ValueError as error:
        raise UsageError(f"{path}:{line}: this is no JSON: {error}") from error
    if not isinstance(body, dict):
        raise UsageError(f"{path}:{line}: a JSON object is needed, for example {{'customer': 'acme'}}")
    return body
