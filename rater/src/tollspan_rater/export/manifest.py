"""What an export says of itself: rows, sums by meter and currency, digest. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from tollspan_rater.domain.money import EXACT
from tollspan_rater.query.answer import Answer, Cell

GROUP: Final = ("meter", "currency")
SUMMED: Final = ("quantity", "included", "billable", "amount", "amount_exact")  # a sum of prices would mean nothing


def manifest(answer: Answer, file_name: str, content: bytes) -> dict[str, Any]:
    """Describe a file of rated lines, so that a receiver can check it without us.

    ``sums`` has one entry for each meter and currency: the number of rows, the exact sum of each column of
    quantities or money as text, and under ``unknown`` how many of its cells had no value. ``notes`` say what is
    not in the file, e.g. usage without a price.
    """
    return {
        "file": file_name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "rows": len(answer.rows),
        "columns": list(answer.columns),
        "as_of": answer.as_of,
        "zone": answer.zone,
        "sums": sums(answer),
        "notes": list(answer.notes),
    }


def sums(answer: Answer) -> list[dict[str, Any]]:
    """Add up quantities and money for each meter and currency, in the order of the columns."""
    amounts = [name for name in answer.columns if name in SUMMED]
    groups: dict[tuple[str, ...], list[Mapping[str, Cell]]] = {}
    for row in answer.rows:
        groups.setdefault(tuple(str(row.get(name) or "") for name in GROUP), []).append(row)
    return [
        {
            **dict(zip(GROUP, key, strict=True)),
            "rows": len(rows),
            **{name: f"{_sum(rows, name):f}" for name in amounts},
            "unknown": {name: missing for name in amounts if (missing := sum(row.get(name) is None for row in rows))},
        }
        for key, rows in sorted(groups.items())
    ]


def _sum(rows: list[Mapping[str, Cell]], name: str) -> Decimal:
    total = Decimal(0)
    for row in rows:
        value = row.get(name)
        if isinstance(value, Decimal):
            total = EXACT.add(total, value)
    return total
