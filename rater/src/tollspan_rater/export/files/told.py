"""What a file tells of one draft: fields, each a column and where its cell comes from. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tollspan_rater.export.contract import Contract
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.files.form import Form
from tollspan_rater.export.files.sheet import Column, Row, Sheet, from_json, to_json
from tollspan_rater.export.manifest import FACTS, facts_of
from tollspan_rater.query.answer import Cell


@dataclass(frozen=True, slots=True)
class Told:
    """A draft with all that a cell may come from: its id and stamp, the receiver's words, the export's options."""

    draft: Draft
    item_id: str
    stamp_ns: int
    customer: Mapping[str, str] = field(default_factory=dict)
    meter: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Field:
    """A column with the cell that a draft has in it."""

    column: Column
    cell: Callable[[Told], Cell]


@dataclass(frozen=True, slots=True)
class Keeps:
    """The columns by which a file is read back: which item, whose, what, when, and how much."""

    item: str
    customer: str
    meter: str
    at: str
    amount: str | None = None
    currency: str | None = None
    quantity: str | None = None


@dataclass(frozen=True, slots=True)
class Together:
    """Rows that the receiver makes one thing of: those alike in ``by`` follow each other under the ``name`` of one."""

    name: str
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """A kind of file: its contract, form and fields. ``most_bytes``: how large one file may be.

    ``keeps`` is None where a file cannot be read back for a customer and a meter of ours, ``together`` where each row
    is a thing of its own.
    """

    contract: Contract
    form: Form
    fields: tuple[Field, ...]
    most_bytes: int | None = None
    keeps: Keeps | None = None
    together: Together | None = None

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, in their order."""
        return tuple(field.column for field in self.fields)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in their order."""
        return tuple(column.name for column in self.columns)

    def row(self, told: Told) -> Row:
        """Return the row of a draft."""
        return {field.column.name: field.cell(told) for field in self.fields}

    def element(self, told: Told) -> dict[str, Any]:
        """Return a draft as JSON values: its row, and what a manifest adds up of it."""
        return {"row": to_json(self.columns, self.row(told)), "facts": to_json(FACTS, facts_of(told.draft))}

    def group(self, element: Mapping[str, Any]) -> tuple[str, ...]:
        """Return what an element has in common with those that the receiver makes one thing of."""
        return () if self.together is None else tuple(str(element["row"][name]) for name in self.together.by)

    def sheet(self, elements: list[Mapping[str, Any]]) -> Sheet:
        """Return the sheet of elements, which stand by their groups; those of one bear the name of its first."""
        rows = [from_json(self.columns, element["row"]) for element in elements]
        if self.together is not None:
            name, first = self.together.name, dict[tuple[str, ...], Cell]()
            for element, row in zip(elements, rows, strict=True):
                row[name] = first.setdefault(self.group(element), row[name])
        return Sheet(self.columns, rows)
