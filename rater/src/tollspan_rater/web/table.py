"""Answers as tables of a page: which columns, in which order, under which words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.web.cell import NOTHING, Link, Shown, cell

MOST_ROWS: Final = 200
_TEXT: Final = frozenset({
    "customer", "model", "feature", "started_at", "call_id", "trace_ids", "reason", "outcome", "quality", "line_id",
    "description", "why", "plan", "meter", "resets_at", "equation", "terms", "holds", "state", "process_id", "gaps",
})  # fmt: skip
_WORDS: Final[Mapping[str, str]] = {
    "call_id": "Call", "trace_ids": "Trace", "line_id": "Line", "started_at": "Started (UTC)", "holds": "Holds",
    "resets_at": "Resets (UTC)", "margin_percent": "Margin %", "used_percent": "Used %",
    "unpriced": "No price", "unknown_cost": "Cost unknown", "line_amount": "Part of the line",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its words, and whether it holds numbers."""

    name: str
    words: str
    numeric: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a page. ``empty`` is said in place of rows, ``more`` leads to those that follow."""

    heading: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Shown, ...], ...]
    total: tuple[Shown, ...] | None = None
    notes: tuple[str, ...] = ()
    empty: str = "Nothing here."
    more: str | None = None


def table(
    heading: str,
    answer: Answer,
    wanted: Sequence[str],
    *,
    links: Mapping[str, Link] | None = None,
    empty: str = "Nothing here.",
    notes: Sequence[str] = (),
    more: str | None = None,
) -> Table:
    """Show those of the wanted columns that an answer has; what a key may not see, its answer has not."""
    columns = tuple(_column(name) for name in wanted if name in answer.columns)
    links = links or {}
    cut = [f"{MOST_ROWS} of {len(answer.rows):,} rows are shown"] if len(answer.rows) > MOST_ROWS else []
    return Table(
        heading,
        columns,
        tuple(tuple(cell(row, one.name, links.get(one.name)) for one in columns) for row in answer.rows[:MOST_ROWS]),
        None if answer.totals is None or not answer.rows else _total(columns, answer.totals),
        (*cut, *answer.notes, *notes),
        empty,
        more,
    )


def _column(name: str) -> Column:
    return Column(name, _WORDS.get(name, name.replace("_", " ").capitalize()), name not in _TEXT)


def _total(columns: Sequence[Column], totals: Mapping[str, Cell]) -> tuple[Shown, ...]:
    """Return the last line: what has no total stays empty, which is not the same as unknown."""
    return tuple(NOTHING if totals.get(one.name) is None else cell(totals, one.name) for one in columns)
