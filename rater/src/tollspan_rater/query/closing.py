"""What may be closed: a period that has ended, the oldest one first, while nothing is missing or counted twice."""

from __future__ import annotations

from collections.abc import Iterator

from tollspan_rater.errors import CloseRefusedError, ConfigError
from tollspan_rater.ledger.statement import Statement, closing
from tollspan_rater.pricing.period import Period
from tollspan_rater.query.audit import audit
from tollspan_rater.query.bill import with_usage_or_plan
from tollspan_rater.query.books import Books
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.wording import instant
from tollspan_rater.store.folder import Folder
from tollspan_rater.store.ledger import Close

Verdict = Period | Close | CloseRefusedError  # it may be closed, it was closed before, it may not be closed now


class Closing:
    """Decides what of one tenant may be closed and makes the statements, all of one committed state."""

    def __init__(self, scope: Scope, release: str) -> None:
        self._scope, self._release = scope, release
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
        return {
            (customer, period.label): self._verdict(customer, period)
            for customer in with_usage_or_plan(self._scope)
            for period in self._scope.accounts.within(customer, label)
            if self.has_lines(customer, period)
        }

    def has_lines(self, customer: str, period: Period) -> bool:
        """Tell whether there is something on a customer's bill."""
        return bool(self.books.bill(customer, period).whole.lines)

    def due(self, customer: str, ended_by_ns: int) -> Period | None:
        """Return the oldest open period of a customer that had ended by an instant and has something on its bill."""
        return next(self._billable(customer, ended_by_ns), None)

    def statement(self, customer: str, period: Period) -> Statement:
        """Return the statement that closes a period."""
        bill = self.books.bill(customer, period)
        return closing(customer, self._scope.as_of, bill.rated, bill.adjustments, self._release)

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
        open_from_ns = self.books.open_from_ns(customer)
        first_ns = self.books.first_ns(customer) if open_from_ns is None else open_from_ns
        if first_ns is None or first_ns >= until_ns:
            return
        for period in self._scope.accounts.periods(customer, first_ns, until_ns - 1):
            if period.end_ns <= until_ns and self.has_lines(customer, period):
                yield period
