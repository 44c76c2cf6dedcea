"""Why a line of a bill is what it is: its steps, and the calls on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tollspan_rater.errors import NotFoundError
from tollspan_rater.pricing.period import Period
from tollspan_rater.query.answer import Cell
from tollspan_rater.query.invoice import customers_with_usage, line_ids, rated_period
from tollspan_rater.query.rated import Rater
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.selection import Selection, select
from tollspan_rater.query.wording import plain
from tollspan_rater.rating.line import Line

_SHOWN_CALLS: Final = 20

Row = tuple[str, str, Cell]


def line_rows(scope: Scope, name: str) -> list[Row]:
    """Return what is known of a line by its id.

    Raises:
        NotFoundError: no customer's bill can have it.
    """
    for customer in sorted({*customers_with_usage(scope), *scope.accounts.names()}):
        for period in _billed(scope, customer):
            if name in line_ids(scope, customer, period):
                for line in rated_period(scope, customer, period).lines:
                    if line.line_id == name:
                        return list(_rows(scope, customer, period, line))
    raise NotFoundError("line", name, "tollspan invoice --all lists the lines of the running period.")


def _billed(scope: Scope, customer: str) -> Iterator[Period]:
    """Yield the periods in which a customer may have a bill: a base fee needs no usage."""
    (first, last) = scope.connection.execute(
        "SELECT min(started_ns), max(started_ns) FROM calls WHERE tenant = ?", [scope.accounts.tenant]
    ).fetchall()[0]
    if first is None:
        first = last = scope.now_ns
    yield from scope.accounts.periods(customer, min(first, scope.now_ns), max(last, scope.now_ns))


def _rows(scope: Scope, customer: str, period: Period, line: Line) -> Iterator[Row]:
    about = f"line {line.line_id}"
    yield about, "on the bill of", f"{customer}, {period.label} ({period.zone})"
    yield about, "what", f"{line.description}: {line.quantity:,f}, of which {line.included:,f} included"
    for step in line.steps:
        yield about, "step", str(step)
    yield about, "amount", f"{line.amount_exact:f} {line.currency}, rounded {line.amount:f}"
    yield about, "why", line.why
    yield about, "price version", line.price_version
    selection = Selection(scope.accounts.tenant, period.start_ns, period.end_ns, (("customer", customer),))
    shown = 0
    for call in Rater(scope.accounts).rate(select(scope.connection, selection)):
        amount = dict(call.charged.components).get(line.component)
        if amount is not None:
            shown += 1
            if shown <= _SHOWN_CALLS:
                yield about, f"call {call.row.call_id}", f"{plain(amount)} ({', '.join(call.row.trace_ids)})"
    if shown > _SHOWN_CALLS:
        yield about, "calls", f"{shown} in all; tollspan calls --customer {customer} lists them"
