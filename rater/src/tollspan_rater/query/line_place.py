"""Where a line stands: the bill that holds it, of whichever customer and period, open or closed."""

from __future__ import annotations

from collections.abc import Iterator

from tollspan_rater.errors import NotFoundError
from tollspan_rater.pricing.period import Period
from tollspan_rater.query.bill import customers_with_usage, line_ids
from tollspan_rater.query.books import Bill, Books
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.selection import Selection, bounds
from tollspan_rater.rating.line import Line


def line_place(scope: Scope, books: Books, name: str, customer: str | None = None) -> tuple[Bill, Line]:
    """Return a line by its id with its bill; ``customer`` narrows the search to one.

    Raises:
        NotFoundError: no such bill has it.
    """
    everyone = sorted({*customers_with_usage(scope), *scope.accounts.names()})
    for bill in _bills(scope, books, name, [one for one in everyone if customer in {None, one}]):
        for line in bill.whole.lines:
            if line.line_id == name:
                return bill, line
    raise NotFoundError("line", name, "tollspan invoice --all lists the lines of the running period.")


def billed_periods(scope: Scope, customer: str) -> Iterator[Period]:
    """Yield the periods in which a customer may have a bill: a base fee needs no usage."""
    now_ns = scope.now_ns
    first, last = bounds(scope.connection, Selection(scope.accounts.tenant)) or (now_ns, now_ns)
    yield from scope.accounts.periods(customer, min(first, now_ns), max(last, now_ns))


def _bills(scope: Scope, books: Books, name: str, customers: list[str]) -> Iterator[Bill]:
    """Yield the bills that may hold a line: those that are closed, those that await adjustments, those that rate it."""
    for customer in customers:
        for close in books.closes.get(customer, ()):
            yield books.closed(customer, close)
        open_from_ns = books.open_from_ns(customer)
        if open_from_ns is not None:
            yield books.bill(customer, scope.accounts.period_at(customer, open_from_ns))
        for period in billed_periods(scope, customer):
            if name in line_ids(scope, customer, period):
                yield books.bill(customer, period)
