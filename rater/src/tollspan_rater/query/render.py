"""An answer as text: JSON, JSON lines, CSV, HTML. Decimals keep every digit, unknown stays unknown."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from io import StringIO
from typing import Any, Final

from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.page import as_html

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")  # OWASP ASVS 5, 1.2.10, and line breaks
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def as_json(answer: Answer) -> str:
    """Return the rows as one JSON array of objects: decimals as strings, unknown as null."""
    return json.dumps([_row(answer, row) for row in answer.rows], ensure_ascii=False, indent=2) + "\n"


def as_jsonl(answer: Answer) -> str:
    """Return one JSON object a line."""
    return "".join(json.dumps(_row(answer, row), ensure_ascii=False) + "\n" for row in answer.rows)


def as_csv(answer: Answer) -> str:
    """Return RFC 4180 CSV with a header line; no spreadsheet will take a cell for a formula."""
    return "".join(csv_lines(answer))


def csv_lines(answer: Answer) -> Iterator[str]:
    """Yield the CSV line by line, the header first."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    for cells in ([neutral(name) for name in answer.columns], *(_csv_row(answer, row) for row in answer.rows)):
        writer.writerow(cells)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def neutral(text: str) -> str:
    """Put a quote before text that a spreadsheet would run as a formula; numbers stay as they are.

    Text that already starts with quotes before such a sign gets one more, so ``original`` is exact.
    """
    starts = text.lstrip("'").startswith(FORMULA_STARTS)
    return f"'{text}" if starts and not _NUMBER.fullmatch(text) else text


def original(cell: str) -> str:
    """Undo ``neutral``."""
    bare = cell.lstrip("'")
    return cell[1:] if bare != cell and bare.startswith(FORMULA_STARTS) else cell


def document(answer: Answer) -> dict[str, Any]:
    """Return the whole answer as JSON values, as the HTTP API sends it."""
    return {
        "title": answer.title,
        "columns": list(answer.columns),
        "rows": [_row(answer, row) for row in answer.rows],
        "totals": plain(answer.totals),
        "as_of": answer.as_of,
        "zone": answer.zone,
        "notes": list(answer.notes),
        "ok": answer.ok,
        "details": plain(answer.details),
    }


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: decimals as strings without an exponent, mappings and sequences inside."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def cell_text(value: Cell) -> str:
    """Return one cell as CSV has it before neutralising: unknown is empty, lists and mappings are JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    inner = plain(value)
    return inner if isinstance(inner, str) else json.dumps(inner, ensure_ascii=False)


def _row(answer: Answer, row: Mapping[str, Cell]) -> dict[str, Any]:
    return {name: plain(row.get(name)) for name in answer.columns}


def _csv_row(answer: Answer, row: Mapping[str, Cell]) -> list[str]:
    return [neutral(cell_text(row.get(name))) for name in answer.columns]


MACHINE_FORMATS: Final[Mapping[str, Callable[[Answer], str]]] = {
    "json": as_json,
    "jsonl": as_jsonl,
    "csv": as_csv,
    "html": as_html,
}
