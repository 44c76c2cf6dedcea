"""Why a booked line is what it is: its statement, what adjusted it since, and what came after the cut-off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tollspan_rater.ledger.adjustment import Adjustment
from tollspan_rater.pricing.period import Period
from tollspan_rater.query.bill import rated_period
from tollspan_rater.query.books import Bill, Books
from tollspan_rater.query.line_facts import Row, charged_calls, line_facts
from tollspan_rater.query.line_usage import usage_by_reason
from tollspan_rater.query.scope import Scope
from tollspan_rater.rating.line import Line
from tollspan_rater.store.state import LATEST

MOST_CAUSES: Final = 20
_CLOSES: Final = "SELECT customer, period FROM statements WHERE tenant = ? AND contains(body, ?) ORDER BY position"
_LEGS: Final = """
    SELECT call_id, revision, sign, legs.position, entries.kind, input, output, meter, quantity
    FROM legs JOIN entries USING (position)
    WHERE legs.tenant = $tenant AND customer = $customer AND started_ns >= $start AND started_ns < $end
      AND position > $after AND position <= $until
    ORDER BY position, call_id, revision, sign
"""
_ENTRIES: Final = """
    SELECT position, kind, sender FROM entries
    WHERE tenant = $tenant AND position > $after AND position <= $until
      AND kind IN ('pricing.apply', 'customer.set', 'config.set')
      AND (kind <> 'customer.set' OR position IN (SELECT position FROM customers WHERE customer = $customer))
    ORDER BY position
"""


@dataclass(frozen=True, slots=True)
class _Change:
    """The journal entries after which a component of a closed period came to something else."""

    customer: str
    period: Period
    after: int
    until: int


def booked_rows(scope: Scope, books: Books, name: str) -> list[Row] | None:
    """Return what is known of a line that was booked, or of an adjustment that is not booked yet; None of others."""
    for customer, label in scope.connection.execute(_CLOSES, [scope.accounts.tenant, name]).fetchall():
        bill = books.labelled(customer, label)
        for line in bill.rated.lines:
            if line.line_id == name:
                return list(_line_rows(scope, bill, line))
        for adjustment in bill.adjustments:
            if adjustment.line.line_id == name:
                return list(_adjustment_rows(scope, books, bill, adjustment))
    for customer in books.closes:
        for adjustment in books.pending(customer):
            if adjustment.line.line_id == name:
                at_ns = books.open_from_ns(customer) or 0
                bill = books.bill(customer, scope.accounts.period_at(customer, at_ns))
                return list(_adjustment_rows(scope, books, bill, adjustment))
    return None


def _line_rows(scope: Scope, bill: Bill, line: Line) -> Iterator[Row]:
    about = f"line {line.line_id}"
    yield from line_facts(bill, line)
    own = [since for since in bill.since if since.adjustment.corrects.line_id == line.line_id]
    for since in own:
        place = f"on the bill of {since.booked_in}" if since.booked_in else "on the open bill, not booked yet"
        adjusting = since.adjustment.line
        yield about, "adjusted since", f"{adjusting.amount:+f} {adjusting.currency} {place}: {adjusting.line_id}"
    if own and bill.close is not None:
        now = {one.line_id: one for one in rated_period(scope, bill.customer, bill.rated.period).lines}
        after = now.get(line.line_id)
        words = "not on the bill: it is no longer priced so" if after is None else f"{after.amount:f} {after.currency}"
        yield about, "as known now", words
        yield from _causes(scope, about, _Change(bill.customer, bill.rated.period, bill.close.cutoff, LATEST))
    yield from usage_by_reason(scope, bill, line)
    yield from charged_calls(scope, bill, line)


def _adjustment_rows(scope: Scope, books: Books, bill: Bill, adjustment: Adjustment) -> Iterator[Row]:
    about = f"line {adjustment.line.line_id}"
    yield from line_facts(bill, adjustment.line)
    corrects = adjustment.corrects
    yield about, "corrects", f"{corrects.line_id} of {corrects.period.label}: {corrects.description}"
    closes = books.closes[bill.customer]
    until = LATEST if bill.close is None else bill.close.cutoff
    before = [close.cutoff for close in closes if close.cutoff < until]
    yield from _causes(scope, about, _Change(bill.customer, corrects.period, max(before, default=0), until))


def _causes(scope: Scope, about: str, change: _Change) -> Iterator[Row]:
    """Yield what came after the cut-off: prices, what is known of the customer, and calls that came or changed."""
    bound = {
        "tenant": scope.accounts.tenant,
        "customer": change.customer,
        "after": change.after,
        "until": change.until,
    }
    for position, kind, sender in scope.connection.execute(_ENTRIES, bound).fetchall():
        yield about, "changed after the cut-off", f"{kind} at journal position {position} by {sender}"
    times = {"start": change.period.start_ns, "end": change.period.end_ns}
    legs = scope.connection.execute(_LEGS, bound | times).fetchall()
    for leg in legs[:MOST_CAUSES]:
        yield about, "changed after the cut-off", _leg(leg)
    if len(legs) > MOST_CAUSES:
        yield about, "changed after the cut-off", f"{len(legs)} legs of calls in all; tollspan explain CALL shows one"


def _leg(leg: Sequence[object]) -> str:
    call_id, revision, sign, position, kind, tokens_in, tokens_out, meter, quantity = leg
    used = f"input {tokens_in}, output {tokens_out}" if meter is None else f"{meter} {quantity}"
    mark = "+" if sign == 1 else "-"
    return f"call {call_id}: leg {mark}{revision} at journal position {position} ({kind}): {used}"
