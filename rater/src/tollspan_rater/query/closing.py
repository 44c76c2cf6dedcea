"""What may be closed: a period that has ended, the oldest one first, while nothing is missing or counted twice."""

from __future__ import annotations

from collections.abc import Iterator

from tollspan_rater.errors import CloseRefusedError, ConfigError
from tollspan_rater.ledger.statement import Statement, closing
from tollspan_rater.pricing.period import Period
from tollspan_rater.query.audit import audit
from tollspan_rater.query.bill import with_usage_or_plan
from tollspan_rater.query.books import Books
from tollspan_rater.query.release import RELEASE
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.wording import instant
from tollspan_rater.store.folder import Folder
from tollspan_rater.store.ledger import Close

Verdict = Period | Close | CloseRefusedError  # it may be closed, it was closed before, it may not be closed now


class Closing:
    """Decides what of one tenant may be closed and makes the statements, all of one committed state."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.books = Books(scope)

    def of_one(self, customer: str, label: str) -> Verdict:
        """Return whether the one period of a customer that a label names may be closed; the audit is not asked."""
        close = self.books.close_of(customer, label)
        if close is not None:
            return close
        try:
            period = self._scope.accounts.period(customer, label)
        except ConfigError as error:
            return CloseRefusedError(label, f"{customer} has no such period", str(error))
        return self._verdict(customer, period)

    def of_all(self, label: str) -> dict[tuple[str, str], Verdict]:
        """Return by customer and period what of the span of time that a label names may be closed.

        Each customer has its own periods in it: one month or several weeks. Periods without anything on their bill
        are left out.
        """
        bills = self.books.within(with_usage_or_plan(self._scope), label)
        return {
            (bill.customer, bill.rated.period.label): self._verdict(bill.customer, bill.rated.period)
            for bill in bills
            if bill.whole.lines
        }

    def due(self, ended_by_ns: int) -> list[tuple[str, Period]]:
        """Return of each customer the oldest open period that had ended by an instant and has something on its bill."""
        names = self._scope.accounts.names()
        self.books.bills([(name, period) for name in names for period in self._ended(name, ended_by_ns)])
        found = [(name, next(self._billable(name, ended_by_ns), None)) for name in names]
        return [(name, period) for name, period in found if period is not None]

    def statement(self, customer: str, period: Period) -> Statement:
        """Return the statement that closes a period."""
        bill = self.books.bill(customer, period)
        return closing(customer, self._scope.as_of, bill.rated, bill.adjustments, RELEASE)

    def require_audit(self, label: str, folder: Folder) -> None:
        """Let pass when every equation of the audit holds.

        Raises:
            CloseRefusedError: one does not; names which.
        """
        broken = [str(row["equation"]) for row in audit(self._scope, {}, folder).rows if not row["holds"]]
        if broken:
            raise CloseRefusedError(
                label, f"the audit does not hold: {'; '.join(broken)}", "tollspan audit shows both sides."
            )

    def _verdict(self, customer: str, period: Period) -> Verdict:
        close = self.books.close_of(customer, period.label)
        return close or self._refusal(customer, period) or period

    def _refusal(self, customer: str, period: Period) -> CloseRefusedError | None:
        if self._scope.now_ns < period.end_ns:
            return CloseRefusedError(
                period.label,
                f"it ends {instant(period.end_ns)}, in {period.zone}",
                f"tollspan invoice {customer} --period {period.label} previews it.",
            )
        closed_until_ns = self.books.open_from_ns(customer)
        if closed_until_ns is not None and period.start_ns < closed_until_ns:
            return CloseRefusedError(
                period.label,
                f"a later period of {customer} is closed, so what comes for it is an adjustment there",
                f"tollspan statements list --customer {customer} shows what is closed.",
            )
        earlier = next(self._billable(customer, period.start_ns), None)
        if earlier is not None:
            return CloseRefusedError(
                period.label,
                f"{earlier.label} of {customer} is still open and has something on its bill",
                f"Periods close in their order: tollspan close --period {earlier.label} --customer {customer}.",
            )
        return None

    def _billable(self, customer: str, until_ns: int) -> Iterator[Period]:
        """Yield the open periods that end by an instant and have something on their bill, the oldest first."""
        return (period for period in self._ended(customer, until_ns) if self.books.bill(customer, period).whole.lines)

    def _ended(self, customer: str, until_ns: int) -> Iterator[Period]:
        """Yield the open periods that end by an instant."""
        open_from_ns = self.books.open_from_ns(customer)
        first_ns = self.books.first_ns(customer) if open_from_ns is None else open_from_ns
        if first_ns is None or first_ns >= until_ns:
            return
        for period in self._scope.accounts.periods(customer, first_ns, until_ns - 1):
            if period.end_ns <= until_ns:
                yield period
