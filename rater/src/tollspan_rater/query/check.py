"""One equation of the audit with its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tollspan_rater.domain.money import EXACT
from tollspan_rater.query.answer import Cell
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.wording import plain


@dataclass(frozen=True, slots=True)
class Check:
    """One equation; ``terms`` says what its sides are made of."""

    equation: str
    left: Decimal
    right: Decimal
    terms: str = ""

    def row(self) -> dict[str, Cell]:
        """Return the check as cells."""
        difference = EXACT.subtract(self.left, self.right)
        return {
            "equation": self.equation,
            "left": plain(self.left),
            "right": plain(self.right),
            "difference": plain(difference),
            "holds": not difference,
            "terms": self.terms,
        }


def values(scope: Scope, sql: str, **bound: object) -> list[Decimal]:
    """Return the numbers in the one row of a query; no rows added up are zero."""
    (row,) = scope.connection.execute(sql, bound).fetchall()
    return [Decimal(0) if value is None else Decimal(str(value)) for value in row]
