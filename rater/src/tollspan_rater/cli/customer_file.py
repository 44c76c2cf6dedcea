"""Customers out of a file: CSV with a header line, or one JSON object a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from tollspan_rater.cli.row_file import Row, read_rows

_EXTERNAL: Final = "external_ids."
_ADDONS: Final = "addons."


def read_customers(path: Path) -> list[dict[str, Any]]:
    """Return the bodies of ``customer.set`` that a file holds, in its order.

    Raises:
        UsageError: the file cannot be read; names the line.
    """
    rows = [row for _, row in read_rows(path)]
    return [_from_cells(row) for row in rows] if path.suffix == ".csv" else rows


def _from_cells(given: Row) -> dict[str, Any]:
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
