"""Calls with their money: decision, marginal charge and provider cost, in the order of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tollspan_rater.cost.book import CostBook
from tollspan_rater.cost.formula import Cost, quantities
from tollspan_rater.cost.rates import NOT_CHARGED, Unknown
from tollspan_rater.pricing.period import Period
from tollspan_rater.pricing.policy import Policy
from tollspan_rater.pricing.timeline import Segment
from tollspan_rater.query.accounts import Accounts
from tollspan_rater.query.selection import CallRow
from tollspan_rater.rating.decision import CallFacts, Decision, decide
from tollspan_rater.rating.marginal import ChargedCall, Marginal
from tollspan_rater.rating.quantity import of_usage

DEFAULT_POLICY: Final = Policy()
_NO_TOKENS: Final = {"failed"}  # an attempt that the provider refused and for which it stated no usage
COST_CURRENCY: Final = "USD"


@dataclass(frozen=True, slots=True)
class RatedCall:
    """A call with what it adds to its customer's bill and what its provider charges.

    ``charged.amount`` and ``cost.amount`` are exact; an Unknown cost says why.
    """

    row: CallRow
    period: Period
    plan: str | None
    decision: Decision
    charged: ChargedCall
    cost: Cost | Unknown

    @property
    def cost_amount(self) -> Decimal | None:
        """The provider's cost, None when it is not known."""
        return None if isinstance(self.cost, Unknown) else self.cost.amount

    @property
    def reason(self) -> str:
        """Why the call is, or is not, charged."""
        return self.charged.reason


class Rater:
    """Rates calls one after the other; feed each customer's calls of a period from the period's beginning."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._costs: CostBook = accounts.cost_book()
        self._marginals: dict[tuple[str | None, str], Marginal] = {}
        self._period: dict[str | None, Period] = {}

    def rate(self, rows: Iterable[CallRow]) -> Iterator[RatedCall]:
        """Yield each call with its money, in the order given: (service time, call id)."""
        for row in rows:
            yield self._rate(row)

    def _rate(self, row: CallRow) -> RatedCall:
        period = self._period_of(row)
        segments = self._accounts.segments(row.customer, period)
        segment = segment_at(segments, row.started_ns)
        decision = decision_of(row, segment, self._accounts.customer(row.customer).phase)
        marginal = self._marginals.get((row.customer, period.label))
        if marginal is None:
            marginal = self._marginals[row.customer, period.label] = Marginal(segments)
        charged = marginal.charge(row.started_ns, row.provider, row.model, used(row), decision)
        plan = None if segment.plan is None else segment.plan.name
        return RatedCall(row, period, plan, decision, charged, cost_of(row, self._costs))

    def _period_of(self, row: CallRow) -> Period:
        period = self._period.get(row.customer)
        if period is None or row.started_ns not in period:
            period = self._period[row.customer] = self._accounts.period_at(row.customer, row.started_ns)
        return period


def used(row: CallRow) -> dict[str, Decimal]:
    """Return the known inclusive quantities of a call or unit measure, by meter."""
    if row.kind == "unit":
        return {} if row.meter is None or row.quantity is None else {row.meter: row.quantity}
    return of_usage(row.usage)


def segment_at(segments: tuple[Segment, ...], instant_ns: int) -> Segment:
    """Return the segment of a period in which an instant lies."""
    return next(segment for segment in reversed(segments) if segment.start_ns <= instant_ns)


def decision_of(row: CallRow, segment: Segment, phase: str | None) -> Decision:
    """Return the two decisions on a call; the account's phase holds where the call says none."""
    policy = DEFAULT_POLICY if segment.plan is None else segment.plan.policy
    facts = CallFacts(row.environment, row.phase or phase, row.outcome, row.billable, row.attempt, row.retried)
    return decide(facts, policy)


def cost_of(row: CallRow, costs: CostBook) -> Cost | Unknown:
    """Return what the provider charges for a call, or why that is not known."""
    usage = row.usage
    if row.kind == "call" and not usage.measured and row.outcome in _NO_TOKENS:
        return Cost(Decimal(0), COST_CURRENCY, (), costs.version, (NOT_CHARGED,))
    asked = quantities(usage) if row.kind == "call" else {row.meter or "": row.quantity}
    return costs.cost(row.provider, row.model, row.started_ns, asked, row.service_tier)
