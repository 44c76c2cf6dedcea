"""Calls with their money: decision, marginal charge and provider cost, in the order of time or added up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from tollspan_rater.cost.book import CostBook
from tollspan_rater.cost.exchange import ExchangeRate, convert
from tollspan_rater.cost.formula import Cost, cost, quantities
from tollspan_rater.cost.rates import NOT_CHARGED, Unknown
from tollspan_rater.domain.money import EXACT, Money
from tollspan_rater.pricing.period import Period
from tollspan_rater.pricing.policy import Policy, Reason
from tollspan_rater.pricing.timeline import Segment
from tollspan_rater.query.accounts import Accounts
from tollspan_rater.query.call_fact import fact_of, facts_of
from tollspan_rater.query.selection import CallRow
from tollspan_rater.query.tariffs import Tariffs
from tollspan_rater.rating.decision import CallFacts, Decision, decide
from tollspan_rater.rating.line import UsageGroup
from tollspan_rater.rating.marginal import ChargedCall, Marginal
from tollspan_rater.rating.quantity import exclusive, of_usage

DEFAULT_POLICY: Final = Policy()
_NO_TOKENS: Final = {"failed"}  # an attempt that the provider refused and for which it stated no usage
_NO_PROVIDER: Final = {"cache_hit"}  # a gateway answered by itself, with the usage of the call that it repeats
COST_CURRENCY: Final = "USD"
EXCHANGE_RATES: Final[tuple[ExchangeRate, ...]] = ()  # no source of rates is read yet: other currencies stay unknown


@dataclass(frozen=True, slots=True)
class Alike:
    """Calls that are decided, charged and costed alike, as one row whose counts are their sums.

    ``calls`` is their number, ``bucket`` that of their cost (:func:`tollspan_rater.cost.rates.bucket`), None of a
    single call.
    ``row.units`` are those of one call: they are equal in all. ``charge`` is their sum, and whether an allowance took
    all of each, where what was used before decides on that; None where the calls say it themselves. Rows of one
    ``kind`` differ in nothing that decides on money, but for how much was used.
    """

    row: CallRow
    calls: int
    bucket: int | None
    charge: tuple[Decimal, bool] | None = None
    kind: int | None = None


@dataclass(frozen=True, slots=True)
class RatedCall:
    """A call, or ``calls`` of them that are alike, with what they add to the bill and what the provider charges.

    ``charged.amount`` and ``cost.amount`` are exact; an Unknown cost says why.
    """

    row: CallRow
    period: Period
    plan: str | None
    decision: Decision
    charged: ChargedCall
    cost: Cost | Unknown
    calls: int = 1

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
        self._tariffs = Tariffs()

    def rate(self, rows: Iterable[CallRow]) -> Iterator[RatedCall]:
        """Yield each call with its money, in the order given: (service time, call id)."""
        return (self._rate(row) for row in rows)

    def charge(self, rows: Iterable[CallRow]) -> Iterator[tuple[CallRow, Period, ChargedCall]]:
        """Yield each call with its period and charge; as :meth:`rate`, without what the provider charges."""
        for row in rows:
            period, _, _, charged = self._charge(row)
            yield row, period, charged

    def rate_group(self, group: Alike) -> RatedCall:
        """Return calls that are alike with their money, in any order: charged already, or at prices per unit."""
        return self._rate(group.row, group.calls, group.bucket, group.charge)

    def take(self, customer: str | None, period: Period, group: UsageGroup) -> None:
        """Take usage of a customer's period that lies before the calls to rate, added up."""
        segments = self._accounts.segments(customer, period)
        started_ns = segments[group.segment].start_ns
        self._marginal(customer, period, segments).charge(
            started_ns, group.provider, group.model, group.quantities, group.decision, facts=group.facts
        )

    def _marginal(self, customer: str | None, period: Period, segments: tuple[Segment, ...]) -> Marginal:
        key = (customer, period.label)
        if key not in self._marginals:
            self._marginals[key] = Marginal(segments, self._tariffs.of(segments))
        return self._marginals[key]

    def _rate(
        self, row: CallRow, calls: int = 1, bucket: int | None = None, charge: tuple[Decimal, bool] | None = None
    ) -> RatedCall:
        period, segment, decision, charged = self._charge(row, calls, bucket)
        if charge is not None and decision.on_invoice and charged.amount is not None:
            amount, included = charge
            charged = replace(charged, amount=amount, reason=Reason.INCLUDED if included else decision.reason)
        plan = None if segment.plan is None else segment.plan.name
        return RatedCall(row, period, plan, decision, charged, cost_of(row, self._costs, calls, bucket), calls)

    def _charge(
        self, row: CallRow, calls: int = 1, bucket: int | None = None
    ) -> tuple[Period, Segment, Decision, ChargedCall]:
        period = self._period_of(row)
        segments = self._accounts.segments(row.customer, period)
        segment = segment_at(segments, row.started_ns)
        phase = self._accounts.customer(row.customer).phase
        decision = decision_of(row, segment, phase)
        tariff = self._tariffs.of(segments)
        quantities, costs = used(row, calls), None
        if tariff.wants_cost and segment.plan is not None:
            charged_us = cost_of(row, self._costs, calls, bucket)
            costs = meter_costs(charged_us, quantities, segment.plan.currency, row.started_ns)
        charged = self._marginal(row.customer, period, segments).charge(
            row.started_ns,
            row.provider,
            row.model,
            quantities,
            decision,
            facts=facts_of(row, tariff.dimensions, segment.phase or phase),
            costs=costs,
            key=row.call_id,
            of={name: fact_of(row, name) for name in tariff.unique_of},
        )
        return period, segment, decision, charged

    def _period_of(self, row: CallRow) -> Period:
        period = self._period.get(row.customer)
        if period is None or row.started_ns not in period:
            period = self._period[row.customer] = self._accounts.period_at(row.customer, row.started_ns)
        return period


def used(row: CallRow, calls: int = 1) -> dict[str, Decimal]:
    """Return the known inclusive quantities of a call or unit measure, by meter, or of several that are alike."""
    if row.kind == "unit":
        return {} if row.meter is None or row.quantity is None else {row.meter: row.quantity}
    found = of_usage(row.usage)
    return found if calls == 1 else {**found, **_times(row, calls), "request": Decimal(calls)}


def segment_at(segments: tuple[Segment, ...], instant_ns: int) -> Segment:
    """Return the segment of a period in which an instant lies."""
    return next(segment for segment in reversed(segments) if segment.start_ns <= instant_ns)


def policy_of(segment: Segment) -> Policy:
    """Return the policy that decides in a segment."""
    return DEFAULT_POLICY if segment.plan is None else segment.plan.policy


def decision_of(row: CallRow, segment: Segment, phase: str | None) -> Decision:
    """Return the two decisions on a call; a trial, else the account's phase holds where the call says none."""
    said = row.phase or segment.phase or phase
    facts = CallFacts(row.environment, said, row.outcome, row.billable, row.attempt, row.retried, row.quality)
    return decide(facts, policy_of(segment))


def cost_of(row: CallRow, costs: CostBook, calls: int = 1, bucket: int | None = None) -> Cost | Unknown:
    """Return what the provider charges for a call, or for several of one bucket, or why that is not known."""
    usage = row.usage
    refused = row.outcome in _NO_TOKENS and not usage.measured
    if row.kind == "call" and (refused or row.outcome in _NO_PROVIDER):
        return Cost(Decimal(0), COST_CURRENCY, (), costs.version, (NOT_CHARGED,))
    rates = costs.rates(row.provider, row.model, row.started_ns, row.service_tier)
    if isinstance(rates, Unknown):
        return rates
    asked = {row.meter or "": row.quantity}
    if row.kind == "call":
        asked = quantities(usage, calls)
        if calls > 1:
            asked |= _times(row, calls)
    return cost(asked, rates, bucket)


def meter_costs(
    charged: Cost | Unknown, quantities: Mapping[str, Decimal], currency: str | None, at_ns: int
) -> dict[str, Decimal] | None:
    """Return what the provider charges for each of some quantities, their parts taken out, in a currency.

    None where that is not known, also for want of an exchange rate; what the provider charges nothing for is 0.
    """
    if isinstance(charged, Unknown) or currency is None:
        return None
    found = dict.fromkeys(exclusive(quantities), Decimal(0))
    for part in charged.parts:
        converted = convert(Money(part.amount, charged.currency), currency, at_ns, EXCHANGE_RATES)
        if isinstance(converted, Unknown):
            return None
        found[part.meter] = EXACT.add(found.get(part.meter, Decimal(0)), converted.money.amount)
    return found


def _times(row: CallRow, calls: int) -> dict[str, Decimal]:
    return {name: EXACT.multiply(quantity, Decimal(calls)) for name, quantity in row.usage.units.items()}
