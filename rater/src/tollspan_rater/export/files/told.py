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
class Layout:
    """A kind of file: its contract, form and fields. ``most_bytes``: how large one file may be.

    ``keeps`` is None where a file cannot be read back for a customer and a meter of ours.
    """

    contract: Contract
    form: Form
    fields: tuple[Field, ...]
    most_bytes: int | None = None
    keeps: Keeps | None = None

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

    def sheet(self, elements: list[Mapping[str, Any]]) -> Sheet:
        """Return the sheet of elements."""
        return Sheet(self.columns, [from_json(self.columns, element["row"]) for element in elements])
