"""Questions about what was booked: statements, their lines, postings and balances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from tollspan_rater.errors import NotFoundError
from tollspan_rater.ledger.posting import Posting, balances
from tollspan_rater.query.answer import Answer, Cell
from tollspan_rater.query.bill_state import service
from tollspan_rater.query.books import Books, Since
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.wording import instant, plain
from tollspan_rater.rating.line import Line
from tollspan_rater.store.ledger import Leg, legs

_STATEMENTS: Final = (
    *("customer", "period", "zone", "from", "to", "closed_at", "closed_by", "position", "cutoff", "lines"),
    *("adjustments", "amount", "amount_exact", "currency", "digest"),
)
_LINES: Final = (
    *("line_id", "kind", "service_period", "corrects", "description", "meter", "quantity", "amount", "amount_exact"),
    *("currency", "adjusted_since", "adjusted_since_exact", "plan", "price_version", "calls", "why", "booked_in"),
)


_LATER: Final = (
    "the last lines are on other bills and not in the total: they adjust this one since, by adjusted_since; "
    "booked_in says where, and is empty for the open bill"
)


def statements_list(scope: Scope, params: Mapping[str, str]) -> Answer:
    """List the closed periods, one row a currency."""
    books = Books(scope)
    wanted = [name for name in sorted(books.closes) if params.get("customer") in {None, name}]
    rows = [row for name in wanted for row in _closed(books, name, params.get("period"))]
    return Answer("Statements", _STATEMENTS, rows, scope.as_of, scope.zone)


def statements_show(scope: Scope, params: Mapping[str, str]) -> Answer:
    """Show a closed period: the lines of its statement, then what other bills hold of it.

    What other bills hold has its amount in a column of its own, so that ``amount`` adds up to the statement's total.
    """
    books, customer, label = Books(scope), params["customer"], params["period"]
    close = books.close_of(customer, label)
    if close is None:
        raise NotFoundError("statement", f"of {customer} for {label}", "tollspan statements list shows them.")
    bill = books.closed(customer, close)
    (head, *_) = _closed(books, customer, label)
    rows = [_line(line) | service(bill, line) | {"booked_in": label} for line in bill.whole.lines]
    rows += [_since(since, label) for since in bill.since]
    totals = [f"total {money.amount} {money.currency}" for money in bill.whole.totals] or ["nothing was to be paid"]
    notes = [
        f"closed {head['closed_at']} by {close.actor}; cut-off position {close.cutoff}; digest {close.digest}",
        *totals,
        *([_LATER] if bill.since else []),
    ]
    details = {"digest": close.digest, "cutoff": close.cutoff, "position": close.position}
    return Answer(
        f"Statement of {customer} for {label}", _LINES, rows, scope.as_of, close.period.zone, notes, details=details
    )


def ledger(scope: Scope, params: Mapping[str, str]) -> Answer:
    """List postings, or the balances of accounts."""
    found = [
        leg
        for leg in legs(scope.connection, scope.accounts.tenant, params.get("customer"))
        if params.get("period") in {None, leg.period} and params.get("account") in {None, leg.account}
    ]
    if "balances" in params:
        rows: list[dict[str, Cell]] = [
            {"account": account, "amount": plain(amount), "currency": currency}
            for (account, currency), amount in balances(_posting(leg) for leg in found).items()
        ]
        return Answer("Balances", ("account", "amount", "currency"), rows, scope.as_of, scope.zone)
    columns = ("customer", "period", "position", "line_id", "account", "amount", "currency")
    notes = ["a debit is positive, a credit negative; the postings of a line sum to zero"]
    return Answer("Ledger", columns, [_leg(leg) for leg in found], scope.as_of, scope.zone, notes)


def _closed(books: Books, customer: str, label: str | None) -> Iterator[dict[str, Cell]]:
    for close, statement in zip(books.closes[customer], books.statements(customer), strict=True):
        if label not in {None, close.period.label}:
            continue
        head: dict[str, Cell] = {
            "customer": customer,
            "period": close.period.label,
            "zone": close.period.zone,
            "from": instant(close.period.start_ns),
            "to": instant(close.period.end_ns),
            "closed_at": instant(close.at_ns),
            "closed_by": close.actor,
            "position": close.position,
            "cutoff": close.cutoff,
            "lines": len(statement.bill.lines),
            "adjustments": len(statement.adjustments),
            "digest": close.digest,
        }
        exact = {money.currency: plain(money.amount) for money in statement.exact_totals}
        yield from (
            head | {"amount": money.amount, "amount_exact": exact[money.currency], "currency": money.currency}
            for money in statement.totals
        )
        if not statement.totals:
            yield head | {"amount": None, "amount_exact": None, "currency": None}


def _line(line: Line) -> dict[str, Cell]:
    return {
        "line_id": line.line_id,
        "kind": line.kind,
        "description": line.description,
        "meter": line.meter,
        "quantity": plain(line.quantity),
        "amount": line.amount,
        "amount_exact": plain(line.amount_exact),
        "currency": line.currency,
        "plan": line.plan,
        "price_version": line.price_version,
        "calls": line.calls,
        "why": line.why,
    }


def _since(since: Since, label: str) -> dict[str, Cell]:
    """Lay out an adjustment that another bill holds: no amount of this one."""
    row = _line(since.adjustment.line)
    return row | {
        "service_period": label,
        "corrects": since.adjustment.corrects.line_id,
        "amount": None,
        "amount_exact": None,
        "adjusted_since": row["amount"],
        "adjusted_since_exact": row["amount_exact"],
        "booked_in": since.booked_in,
    }


def _leg(leg: Leg) -> dict[str, Cell]:
    return {
        "customer": leg.customer,
        "period": leg.period,
        "position": leg.position,
        "line_id": leg.line_id,
        "account": leg.account,
        "amount": plain(leg.amount),
        "currency": leg.currency,
    }


def _posting(leg: Leg) -> Posting:
    return Posting(leg.account, leg.currency, leg.amount, leg.line_id)
