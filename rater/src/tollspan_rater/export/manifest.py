"""What an export says of itself: rows, sums by meter and currency, digest. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from tollspan_rater.domain.money import EXACT
from tollspan_rater.query.answer import Answer, Cell

GROUP: Final = ("meter", "currency")


def manifest(answer: Answer, file_name: str, content: bytes) -> dict[str, Any]:
    """Describe a file of rated lines, so that a receiver can check it without us.

    ``sums`` has one entry for each meter and currency: the number of rows, the exact sum of every decimal
    column as text, and under ``unknown`` how many cells of a column had no value.
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
    }


def sums(answer: Answer) -> list[dict[str, Any]]:
    """Add up the decimal columns of an answer for each meter and currency, in their order."""
    amounts = [name for name in answer.columns if any(isinstance(row.get(name), Decimal) for row in answer.rows)]
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
