"""What an export says of itself: rows, sums by meter and currency, digest. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from tollspan_rater.domain.money import exact_sum
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.files.sheet import Column
from tollspan_rater.query.answer import Answer, Cell

GROUP: Final = ("meter", "currency")
SUMMED: Final = ("quantity", "included", "billable", "amount", "amount_exact")  # a sum of prices would mean nothing
FACTS: Final = (
    *(Column(name) for name in ("meter", "currency", "price_version")),
    *(Column(name, "decimal") for name in ("quantity", "amount", "amount_exact")),
    Column("cutoff", "integer"),
)


def manifest(answer: Answer, file_name: str, content: bytes) -> dict[str, Any]:
    """Describe a file of rated lines, so that a receiver can check it without us.

    ``run`` names the export: the same lines at the same journal position give the same name. ``sums`` has one entry
    for each meter and currency: the number of rows, the exact sum of each column of quantities or money as text, and
    under ``unknown`` how many of its cells had no value; ``totals`` is the sum of the amounts of each currency.
    ``notes`` say what is not in the file, e.g. usage without a price.
    """
    return {
        "run": run_id(file_name, answer.as_of, hashlib.sha256(content).hexdigest()),
        **_of_file(file_name, content, answer),
        "as_of": answer.as_of,
        "zone": answer.zone,
        "notes": list(answer.notes),
    }


def batch_manifest(
    batch: str,
    export: str,
    items: Sequence[str],
    facts: Sequence[Mapping[str, Cell]],
    columns: Sequence[str],
    file: tuple[str, bytes],
) -> dict[str, Any]:
    """Describe the file of a batch of items.

    Args:
        batch: its name, which follows from the items.
        export: the name of the export in the configuration.
        items: the ids of what is in it, in the order of its rows.
        facts: what is added up of each (:func:`facts_of`); ``cutoff`` is the highest of theirs.
        columns: those of the file.
        file: its name and content.
    """
    name, content = file
    added = Answer("", [column.name for column in FACTS], facts, 0)
    cutoffs = [cutoff for row in facts if isinstance(cutoff := row["cutoff"], int)]
    said = {"run": batch, "export": export, **_of_file(name, content, added), "cutoff": max(cutoffs, default=None)}
    return {**said, "columns": list(columns), "items": list(items)}


def facts_of(draft: Draft) -> dict[str, Cell]:
    """Return what a manifest adds up of a draft."""
    return {column.name: getattr(draft, column.name) for column in FACTS}


def run_id(*parts: str | int) -> str:
    """Return a name that follows from its parts: ``run_`` and 24 hex digits."""
    return "run_" + hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()[:24]


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


def _of_file(file_name: str, content: bytes, answer: Answer) -> dict[str, Any]:
    versions = {one for row in answer.rows for one in str(row.get("price_version") or "").split(", ") if one}
    return {
        "file": file_name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "rows": len(answer.rows),
        "columns": list(answer.columns),
        "price_versions": sorted(versions),
        "totals": _totals(answer),
        "sums": sums(answer),
    }


def _totals(answer: Answer) -> dict[str, str]:
    found: dict[str, list[Mapping[str, Cell]]] = {}
    for row in answer.rows:
        if row.get("currency") is not None:
            found.setdefault(str(row["currency"]), []).append(row)
    return {currency: f"{_sum(rows, 'amount'):f}" for currency, rows in sorted(found.items())}


def _sum(rows: Sequence[Mapping[str, Cell]], name: str) -> Decimal:
    return exact_sum(value for row in rows if isinstance(value := row.get(name), Decimal))
