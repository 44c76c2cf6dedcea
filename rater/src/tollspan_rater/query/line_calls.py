"""The calls behind a line: what each adds to it, up to its exact amount."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from tollspan_rater.domain.money import EXACT
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.books import Bill, Books
from tollspan_rater.query.call_row import CALL_COLUMNS, call_cells, place_of
from tollspan_rater.query.line_place import line_place
from tollspan_rater.query.rated import RatedCall, Rater
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.selection import Selection, select
from tollspan_rater.query.wording import plain
from tollspan_rater.rating.line import Line

COLUMNS = ("line_amount", *CALL_COLUMNS)


def line_calls(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Answer: the calls and units that add to a line, each with its part, in the order of time.

    The parts of all of them add up to the line's exact amount, whatever part of the list is shown; what no call
    causes has none. A call may lower a line: it can move units of an allowance to another one.

    Raises:
        NotFoundError: no bill of the customer, or of any, has the line.
    """
    bill, line = line_place(scope, Books(scope), params["line"], params.get("customer"))
    limit, cursor = int(params.get("limit", "100")), params.get("cursor")
    rows: list[dict[str, Cell]] = []
    count, whole, last, more = 0, Decimal(0), "", False
    for call, amount in adding(scope, bill, line):
        count, whole = count + 1, EXACT.add(whole, amount)
        if cursor is not None and place_of(call) <= cursor:
            continue
        if len(rows) < limit:
            rows.append({"line_amount": plain(amount), **call_cells(call)})
            last = place_of(call)
        else:
            more = True
    total: dict[str, Cell] = {"line_amount": plain(whole), "currency": line.currency}
    notes = [*_notes(line, count, whole), *([f"more follow: --cursor {last}, or a larger --limit"] if more else [])]
    details = {"cursor": last} if more else {}
    zone = scope.accounts.zone(bill.customer)
    return Answer(
        f"Calls of line {line.line_id}", COLUMNS, scope.people(rows), scope.as_of, zone, notes, total, details=details
    )


def adding(scope: Scope, bill: Bill, line: Line) -> Iterator[tuple[RatedCall, Decimal]]:
    """Yield the calls that add to a line as it is rated now, each with its part."""
    period = bill.rated.period
    who = (("customer", bill.customer),)
    selection = Selection(scope.accounts.tenant, period.start_ns, period.end_ns, who)
    for call in Rater(scope.accounts).rate(select(scope.connection, selection)):
        amount = dict(call.charged.components).get(line.component)
        if amount is not None:
            yield call, amount


def _notes(line: Line, count: int, whole: Decimal) -> Iterator[str]:
    if not count:
        yield f"no call causes this line: {line.description}, {line.amount_exact:f} {line.currency}"
    elif whole == line.amount_exact:
        yield f"{count:,} calls and units add up to {plain(whole):f} {line.currency}, the line's exact amount"
    else:
        yield (
            f"{count:,} calls and units add up to {plain(whole):f} {line.currency} as known now; "
            f"booked are {plain(line.amount_exact):f}, and adjustments hold the difference"
        )
