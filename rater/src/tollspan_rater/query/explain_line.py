"""Why a line of a bill is what it is: its steps, and the calls on it."""

from __future__ import annotations

from tollspan_rater.query.books import Books
from tollspan_rater.query.explain_booked import booked_rows
from tollspan_rater.query.line_facts import Row, charged_calls, line_facts
from tollspan_rater.query.line_place import line_place
from tollspan_rater.query.line_usage import usage_by_reason
from tollspan_rater.query.scope import Scope


def line_rows(scope: Scope, name: str) -> list[Row]:
    """Return what is known of a line by its id.

    Raises:
        NotFoundError: no customer's bill can have it.
    """
    books = Books(scope)
    booked = booked_rows(scope, books, name)
    if booked is not None:
        return booked
    bill, line = line_place(scope, books, name)
    return [*line_facts(bill, line), *usage_by_reason(scope, bill, line), *charged_calls(scope, bill, line)]
