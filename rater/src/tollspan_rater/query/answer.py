"""What every question gives back: a table with its meaning attached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

Cell = str | int | bool | Decimal | None | list[str] | dict[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """One table. ``columns`` fixes the order; a ``None`` cell is unknown, never zero.

    ``as_of`` is the journal position that the answer includes, ``zone`` the time zone of its days and
    periods. ``notes`` are sentences for people: what was left out and why, what to do next. ``ok`` is False
    when the answer reports a difference (``audit``), which makes the command exit with 1. ``totals`` holds
    the last line of a table, by column.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Mapping[str, Cell]]
    as_of: int
    zone: str = "UTC"
    notes: Sequence[str] = ()
    totals: Mapping[str, Cell] | None = None
    ok: bool = True
    details: Mapping[str, object] = field(default_factory=dict)
