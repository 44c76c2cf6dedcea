"""What was closed of each customer, what is to be adjusted since, and in which state each bill is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import orjson

from tollspan_rater.ledger.adjustment import Adjustment, adjustments, standing
from tollspan_rater.ledger.statement import Statement, booked_of, from_document, with_adjustments
from tollspan_rater.pricing.period import Period
from tollspan_rater.query.bill import rated_periods
from tollspan_rater.query.late import Late
from tollspan_rater.query.scope import Scope
from tollspan_rater.query.selection import Selection, instant
from tollspan_rater.rating.line import RatedPeriod
from tollspan_rater.store import ledger
from tollspan_rater.store.ledger import Close

State = Literal["preview", "draft", "closed"]


@dataclass(frozen=True, slots=True)
class Since:
    """An adjustment of a closed period; ``booked_in`` is the period whose close booked it, None before that."""

    adjustment: Adjustment
    booked_in: str | None


@dataclass(frozen=True, slots=True)
class Bill:
    """What a customer pays for a period.

    A ``preview`` is of a running period, a ``draft`` of one that has ended; both are rated from everything known
    now. A ``closed`` bill is its statement. ``adjustments`` of earlier periods are paid with it; ``since`` are those
    of this one, which other bills hold.
    """

    customer: str
    state: State
    rated: RatedPeriod
    adjustments: tuple[Adjustment, ...] = ()
    close: Close | None = None
    since: tuple[Since, ...] = ()

    @property
    def whole(self) -> RatedPeriod:
        """The period's bill with the adjustments of earlier ones behind its own lines."""
        return with_adjustments(self.rated, self.adjustments)


class Books:
    """The closed periods of one tenant's customers; what is asked twice is read and rated once.

    ``only`` names the customer where nobody else will be asked about.
    """

    def __init__(self, scope: Scope, only: str | None = None) -> None:
        self._scope = scope
        self._only = only
        self.closes: dict[str, list[Close]] = {}
        for close in ledger.closes(scope.connection, scope.accounts.tenant):
            self.closes.setdefault(close.customer, []).append(close)
        self._statements: dict[str, tuple[Statement, ...]] = {}
        self._pending: dict[str, tuple[Adjustment, ...]] = {}
        self._rated: dict[tuple[str, Period], RatedPeriod] = {}

    def owner(self, customer: str) -> str:
        """Return what makes a customer's line ids its own."""
        return f"{self._scope.accounts.tenant}/{customer}"

    def statements(self, customer: str) -> tuple[Statement, ...]:
        """Return a customer's statements in the order in which they were journaled."""
        if customer not in self.closes:
            return ()
        if customer not in self._statements:
            found = ledger.bodies(self._scope.connection, self._scope.accounts.tenant, customer)
            self._statements[customer] = tuple(from_document(orjson.loads(body)) for body in found.values())
        return self._statements[customer]

    def close_of(self, customer: str, label: str) -> Close | None:
        """Return the close of a period, None while it is open."""
        return next((close for close in self.closes.get(customer, ()) if close.period.label == label), None)

    def open_from_ns(self, customer: str) -> int | None:
        """Return the end of the last closed period, before which all time counts as closed; None without any."""
        return max((close.period.end_ns for close in self.closes.get(customer, ())), default=None)

    def closed_periods(self, customer: str) -> dict[Period, bool]:
        """Return the periods of closed time in their order, and whether each still is a period of the customer.

        Among them are periods before a closed one in which there was nothing to book, so that nobody closed them.
        """
        open_from_ns = self.open_from_ns(customer)
        if open_from_ns is None:
            return {}
        first_ns = min([close.period.start_ns for close in self.closes[customer]])
        first_ns = min(first_ns, self.first_ns(customer) or first_ns)
        periods = set(self._scope.accounts.periods(customer, first_ns, open_from_ns - 1))
        adjusted = {one.corrects.period for of in self.statements(customer) for one in of.adjustments}
        return {period: period in periods for period in sorted(periods | adjusted, key=lambda period: period.start_ns)}

    def first_ns(self, customer: str) -> int | None:
        """Return where a customer's time begins: with its first usage, or with a plan that has a first day."""
        accounts, used = self._scope.accounts, self._first_used.get(customer)
        zone = accounts.zone(customer)
        planned = [instant(day, zone) for day, _plan in accounts.customer(customer).plans if day is not None]
        return min([*planned, *([] if used is None else [used])], default=None)

    def now(self, customer: str, period: Period) -> RatedPeriod:
        """Return what a period comes to now, closed or not."""
        self._rate([(customer, period)])
        return self._rated[customer, period]

    def pending(self, customer: str) -> tuple[Adjustment, ...]:
        """Return the adjustments of closed periods that are not booked yet; the oldest open period books them."""
        if customer not in self._pending:
            self._pending[customer] = tuple(self._unbooked(customer))
        return self._pending[customer]

    def labelled(self, customer: str, label: str | None) -> Bill:
        """Return a customer's bill of the one period that a label names, by default of the running one."""
        close = None if label is None else self.close_of(customer, label)
        if close is not None:
            return self.closed(customer, close)
        accounts = self._scope.accounts
        return self.bill(
            customer,
            accounts.period_at(customer, self._scope.now_ns) if label is None else accounts.period(customer, label),
        )

    def within(self, customers: Iterable[str], label: str | None) -> list[Bill]:
        """Return the bills of several customers in one pass: of the period with a label, else of all that begin in it.

        By default of the running period of each.
        """
        accounts, now_ns = self._scope.accounts, self._scope.now_ns
        wanted = [
            (customer, period)
            for customer in customers
            for period in (
                [accounts.period_at(customer, now_ns)] if label is None else accounts.within(customer, label)
            )
        ]
        return self.bills(wanted)

    def bills(self, wanted: Sequence[tuple[str, Period]]) -> list[Bill]:
        """Return the bills of customers' periods, in the order given; what has to be rated is rated in one pass."""
        pairs = [(customer, period) for customer, period in wanted if not self.close_of(customer, period.label)]
        pairs += [(name, period) for name in {name for name, _ in wanted} for period in self._touched(name)]
        self._rate(pairs)
        return [self.bill(customer, period) for customer, period in wanted]

    def bill(self, customer: str, period: Period) -> Bill:
        """Return a customer's bill of a period in its state."""
        close = self.close_of(customer, period.label)
        if close is not None:
            return self.closed(customer, close)
        state: State = "preview" if self._scope.now_ns < period.end_ns else "draft"
        open_from_ns = self.open_from_ns(customer)
        holds = open_from_ns is not None and open_from_ns in period
        return Bill(customer, state, self.now(customer, period), self.pending(customer) if holds else ())

    def closed(self, customer: str, close: Close) -> Bill:
        """Return the bill that a close made: its statement, with what other bills hold of it since."""
        found = self.statements(customer)
        statement = found[self.closes[customer].index(close)]
        labels = [*(one.period.label for one in found), None]
        since = [
            Since(adjustment, label)
            for label, booked in zip(labels, [*(one.adjustments for one in found), self.pending(customer)], strict=True)
            for adjustment in booked
            if adjustment.corrects.period == statement.period
        ]
        return Bill(customer, "closed", statement.bill, statement.adjustments, close, tuple(since))

    def _rate(self, wanted: Iterable[tuple[str, Period]]) -> None:
        missing = [pair for pair in dict.fromkeys(wanted) if pair not in self._rated]
        if missing:
            self._rated |= dict(zip(missing, rated_periods(self._scope, missing), strict=True))

    def _touched(self, customer: str) -> list[Period]:
        """Return the periods of closed time to rate: they may have changed since they were booked."""
        if customer not in self.closes or not self._late.anything(customer):
            return []
        periods = self.closed_periods(customer)
        return [period for period, exists in periods.items() if exists and self._late.touches(customer, period)]

    def _unbooked(self, customer: str) -> Iterator[Adjustment]:
        open_from_ns = self.open_from_ns(customer)
        if open_from_ns is None or not self._late.anything(customer):
            return
        into = self._scope.accounts.period_at(customer, open_from_ns)
        touched = self._touched(customer)
        self._rate((customer, period) for period in touched)
        gone = [period for period, exists in self.closed_periods(customer).items() if not exists]
        for period in sorted([*touched, *gone], key=lambda period: period.start_ns):
            now = standing(period, self.now(customer, period).lines if period in touched else ())
            yield from adjustments(self.owner(customer), into, now, booked_of(period, self.statements(customer)))

    @cached_property
    def _late(self) -> Late:
        return Late(self._scope, self.closes)

    @cached_property
    def _first_used(self) -> dict[str, int]:
        whose = () if self._only is None else (("customer", self._only),)
        calls, values = Selection(self._scope.accounts.tenant, filters=whose).standing()
        found = self._scope.connection.execute(
            f"SELECT customer, min(started_ns) FROM {calls} WHERE customer IS NOT NULL GROUP BY customer",  # noqa: S608 - fixed names, bound values
            values,
        )
        return dict(found.fetchall())
