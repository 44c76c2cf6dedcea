"""The equations of the ledger: what was booked is what closed periods come to, and every posting has its other side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

import orjson

from tollspan_rater.domain.money import EXACT, exact_sum
from tollspan_rater.ledger.posting import Posting, out_of_balance
from tollspan_rater.ledger.statement import digest_of
from tollspan_rater.query.bill import rated_periods
from tollspan_rater.query.books import Books
from tollspan_rater.query.check import Check
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.wording import plain
from tollspan_rater.rating.line import Line
from tollspan_rater.store import ledger

ZERO: Final = Decimal(0)


def of_ledger(scope: Scope) -> Iterator[Check]:
    """Compare what was booked with the rating of all closed time anew; nothing is said while nothing is closed."""
    books = Books(scope)
    if not books.closes:
        return
    yield from _digests(scope, books)
    yield from _booked(scope, books)
    yield from _postings(scope, books)


def _digests(scope: Scope, books: Books) -> Iterator[Check]:
    closes = [close for made in books.closes.values() for close in made]
    whole = 0
    for customer, made in books.closes.items():
        found = ledger.bodies(scope.connection, scope.accounts.tenant, customer)
        whole += sum(digest_of(orjson.loads(found[close.position])) == close.digest for close in made)
    yield Check(
        "statements = statements that are what was closed, by their digest", Decimal(len(closes)), Decimal(whole)
    )


def _booked(scope: Scope, books: Books) -> Iterator[Check]:
    booked, now, pending = _Sums(), _Sums(), _Sums()
    for customer in books.closes:
        booked.add(line for statement in books.statements(customer) for line in statement.whole.lines)
        pending.add(adjustment.line for adjustment in books.pending(customer))
    closed = [
        (name, period) for name in books.closes for period, exists in books.closed_periods(name).items() if exists
    ]
    for bill in rated_periods(scope, closed):
        now.add(bill.lines)
    for currency in sorted({*booked.amounts, *now.amounts, *pending.amounts}):
        yield Check(
            f"booked = closed periods rated now - not yet booked ({currency})",
            booked.exact[currency],
            EXACT.subtract(now.exact[currency], pending.exact[currency]),
            f"lines and adjustments of statements; not yet booked {plain(pending.exact[currency])}",
        )
        right = EXACT.subtract(now.amounts[currency], pending.amounts[currency])
        yield Check(f"booked, rounded = the same of rounded lines ({currency})", booked.amounts[currency], right)


def _postings(scope: Scope, books: Books) -> Iterator[Check]:
    legs = ledger.legs(scope.connection, scope.accounts.tenant)
    postings = [Posting(leg.account, leg.currency, leg.amount, leg.line_id) for leg in legs]
    missing = out_of_balance(postings)
    stated = _Sums()
    for customer in books.closes:
        stated.add(line for statement in books.statements(customer) for line in statement.whole.lines)
    for currency in sorted({leg.currency for leg in legs} | set(stated.amounts)):
        count = sum(leg.currency == currency for leg in legs)
        yield Check(f"sum of all postings = 0 ({currency})", missing.get(currency, ZERO), ZERO, f"{count} postings")
        owed = exact_sum(
            leg.amount for leg in legs if leg.currency == currency and leg.account.startswith("receivable/")
        )
        yield Check(f"receivables posted = totals of statements ({currency})", owed, stated.amounts[currency])


class _Sums:
    """Rounded and exact amounts of lines by currency."""

    def __init__(self) -> None:
        self.amounts: dict[str, Decimal] = defaultdict(Decimal)
        self.exact: dict[str, Decimal] = defaultdict(Decimal)

    def add(self, lines: Iterable[Line]) -> None:
        """Add some lines."""
        for line in lines:
            self.amounts[line.currency] = EXACT.add(self.amounts[line.currency], line.amount)
            self.exact[line.currency] = EXACT.add(self.exact[line.currency], line.amount_exact)
