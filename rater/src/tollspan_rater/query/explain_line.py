"""Why a line of a bill is what it is: its steps, and the calls on it."""

from __future__ import annotations

from collections.abc import Iterator

from tollspan_rater.errors import NotFoundError
from tollspan_rater.pricing.period import Period
from tollspan_rater.query.bill import customers_with_usage, line_ids
from tollspan_rater.query.books import Books
from tollspan_rater.query.explain_booked import booked_rows
from tollspan_rater.query.line_facts import Row, charged_calls, line_facts
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
    for customer in sorted({*customers_with_usage(scope), *scope.accounts.names()}):
        for period in _billed(scope, customer):
            if name in line_ids(scope, customer, period):
                bill = books.bill(customer, period)
                for line in bill.rated.lines:
                    if line.line_id == name:
                        return [*line_facts(bill, line), *charged_calls(scope, customer, period, line)]
    raise NotFoundError("line", name, "tollspan invoice --all lists the lines of the running period.")


def _billed(scope: Scope, customer: str) -> Iterator[Period]:
    """Yield the periods in which a customer may have a bill: a base fee needs no usage."""
    (first, last) = scope.connection.execute(
        "SELECT min(started_ns), max(started_ns) FROM calls WHERE tenant = ?", [scope.accounts.tenant]
    ).fetchall()[0]
    if first is None:
        first = last = scope.now_ns
    yield from scope.accounts.periods(customer, min(first, scope.now_ns), max(last, scope.now_ns))
