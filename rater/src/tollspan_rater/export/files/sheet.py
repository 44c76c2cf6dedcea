"""A table of a file: columns with their kinds, rows, and what no file may hold. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from tollspan_rater.domain.clock import from_ns
from tollspan_rater.query.answer import Cell
from tollspan_rater.query.render import neutral, plain

Kind = Literal["text", "decimal", "integer", "instant", "texts"]
Row = Mapping[str, Cell]
_NO_TEXT: Final = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file. An ``instant`` is ISO 8601 text in UTC that ends with Z; ``texts`` is a list of texts.

    What a receiver asks of its cells: ``required`` are never empty, ``longest`` counts the characters of their text,
    ``unsigned`` are not below zero, and an ``identifier`` is the receiver's own word, which may not be changed even
    where a spreadsheet would take it for a formula.
    """

    name: str
    kind: Kind = "text"
    required: bool = False
    longest: int | None = None
    unsigned: bool = False
    identifier: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows under their columns; a cell that is ``None`` is unknown, never zero."""

    columns: tuple[Column, ...]
    rows: Sequence[Row]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in their order."""
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a cell cannot stand in a file: a ``code`` for machines, and a sentence."""

    code: str
    column: str
    why: str


def problem(columns: Sequence[Column], row: Row) -> Problem | None:
    """Return the first reason why a row cannot stand in a file."""
    for column in columns:
        cell = row.get(column.name)
        for code, wrong, why in _RULES:
            if wrong(column, cell):
                return Problem(code, column.name, why.format(longest=column.longest))
    return None


def instant_text(at_ns: int | None) -> str | None:
    """Return an instant as ISO 8601 in UTC with a Z, to the second, or to the microsecond where it has a fraction."""
    return None if at_ns is None else from_ns(at_ns).isoformat().replace("+00:00", "Z")


def to_json(columns: Sequence[Column], row: Row) -> dict[str, Any]:
    """Return the cells of a row as JSON values in the order of the columns: decimals as exact text."""
    return {column.name: plain(row.get(column.name)) for column in columns}


def from_json(columns: Sequence[Column], row: Mapping[str, Any]) -> dict[str, Cell]:
    """Undo :func:`to_json`."""
    return {
        column.name: Decimal(cell) if column.kind == "decimal" and cell is not None else cell
        for column in columns
        for cell in [row.get(column.name)]
    }


def _texts(cell: Cell) -> list[str]:
    if isinstance(cell, str):
        return [cell]
    return [str(one) for one in cell] if isinstance(cell, list) else []


def _not_text(_column: Column, cell: Cell) -> bool:
    return any(_NO_TEXT.search(text) for text in _texts(cell))


def _empty(column: Column, cell: Cell) -> bool:
    return column.required and cell in {None, ""} if not isinstance(cell, list | dict) else False


def _long(column: Column, cell: Cell) -> bool:
    return column.longest is not None and cell is not None and len(str(plain(cell))) > column.longest


def _negative(column: Column, cell: Cell) -> bool:
    return column.unsigned and isinstance(cell, Decimal) and cell < 0


def _formula(column: Column, cell: Cell) -> bool:
    return column.identifier and isinstance(cell, str) and neutral(cell) != cell


_RULES: Final[tuple[tuple[str, Callable[[Column, Cell], bool], str], ...]] = (
    ("not_text", _not_text, "it holds a NUL or half a character, which no file of text may"),
    ("missing", _empty, "it is empty, and the receiver would guess"),
    ("too_long", _long, "it has more than {longest} characters, and the receiver takes no more"),
    ("negative", _negative, "it is below zero, which the receiver does not take"),
    ("formula", _formula, "it begins like a formula of a spreadsheet, and a quote before it would change the name"),
)
