"""A line of a bill in words: its bill, its steps, and the calls that add to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tollspan_rater.query.answer import Cell
from tollspan_rater.query.books import Bill
from tollspan_rater.query.line_calls import adding
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.wording import instant, plain
from tollspan_rater.rating.line import Line

_SHOWN_CALLS: Final = 20

Row = tuple[str, str, Cell]


def line_facts(bill: Bill, line: Line) -> Iterator[Row]:
    """Yield what a line says of itself, and of the bill that it stands on."""
    about = f"line {line.line_id}"
    period, close = bill.rated.period, bill.close
    yield about, "on the bill of", f"{bill.customer}, {period.label} ({period.zone}), {bill.state}"
    if close is not None:
        booked = f"by journal position {close.position} at {instant(close.at_ns)}, {close.actor}"
        yield about, "booked", f"{booked}; cut-off position {close.cutoff}; statement {close.digest}"
    yield about, "what", f"{line.description}: {line.quantity:,f}, of which {line.included:,f} included"
    for step in line.steps:
        yield about, "step", str(step)
    yield about, "amount", f"{line.amount_exact:f} {line.currency}, rounded {line.amount:f}"
    yield about, "why", line.why
    yield about, "price version", line.price_version


def charged_calls(scope: Scope, bill: Bill, line: Line) -> Iterator[Row]:
    """Yield the calls that add to a line as it is rated now, each with its charge."""
    about = f"line {line.line_id}"
    shown = 0
    for call, amount in adding(scope, bill, line):
        shown += 1
        if shown <= _SHOWN_CALLS:
            yield about, f"call {call.row.call_id}", f"{plain(amount)} ({', '.join(call.row.trace_ids)})"
    if shown > _SHOWN_CALLS:
        yield about, "calls", f"{shown} in all; tollspan calls --line {line.line_id} lists them"
