"""The windows of time in which an answer tells calls apart, as a small table that the database joins to calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import pyarrow as pa

from tollspan_rater.query.window import WINDOWS, edges, unit_of

JOIN: Final = "JOIN time_steps ON time_steps.place = found.started_ns // {unit_ns}"


@dataclass(frozen=True, slots=True)
class TimeSteps:
    """The windows of time in a span: the first begins at or before it, and all begin at multiples of a unit."""

    edges: Sequence[int]
    unit_ns: int
    last_ns: int

    @staticmethod
    def of(by: Sequence[str], zone: str, span: tuple[int, int]) -> TimeSteps:
        """Return the windows, local to ``zone``, that are among some dimensions."""
        names = [name for name in by if name in WINDOWS]
        return TimeSteps(edges(names, zone, span), unit_of(names), span[1])

    @property
    def several(self) -> bool:
        """Whether not all time is in one window."""
        return len(self.edges) > 1

    @property
    def step(self) -> str:
        """The SQL of the number of a row's window, where :attr:`join` joined the table ``time_steps``."""
        return "time_steps.step" if self.several else "0"

    @property
    def join(self) -> str:
        """The SQL that joins the table ``time_steps`` to ``found``."""
        return JOIN.format(unit_ns=self.unit_ns) if self.several else ""

    def table(self) -> pa.Table:
        """Return the number of each unit's window, nothing where all time is in one.

        A join on equal numbers takes a seventh of the time of one on the last edge before an instant.
        """
        found = list(self._rows())
        numbers = [place for place, _ in found], [step for _, step in found]
        return pa.table({name: pa.array(of, pa.int64()) for name, of in zip(("place", "step"), numbers, strict=True)})

    def _rows(self) -> Iterator[tuple[int, int]]:
        places = [edge // self.unit_ns for edge in (*self.edges, self.last_ns + self.unit_ns)]
        for step, (first, end) in enumerate(pairwise(places) if self.several else ()):
            yield from ((place, step) for place in range(first, end))
