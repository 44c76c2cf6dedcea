"""Margin: what came in less what the provider charged, per currency, with the unpriced shown apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

from tollspan_rater.cost.formula import Cost
from tollspan_rater.cost.rates import Unknown
from tollspan_rater.domain.money import Money

DISPLAY: Final = Decimal("0.01")  # percentages are shown with two decimals and never computed with
_HUNDRED: Final = Decimal(100)
_WIDE: Final = Context(prec=80)


@dataclass(frozen=True, slots=True)
class Margin:
    """Revenue and provider cost by currency.

    Revenue holds everything that is billed: usage, base fees, minimums. ``unpriced`` counts the calls whose
    cost is unknown, by reason; the cost is then only what is known.
    """

    revenue: Mapping[str, Money] = field(default_factory=dict)
    cost: Mapping[str, Money] = field(default_factory=dict)
    unpriced: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Margin) -> Margin:
        return Margin(
            _sums([*self.revenue.values(), *other.revenue.values()]),
            _sums([*self.cost.values(), *other.cost.values()]),
            dict(Counter(self.unpriced) + Counter(other.unpriced)),
        )

    @property
    def complete(self) -> bool:
        """Whether every call has a known cost; otherwise the margin is at most what is shown."""
        return not self.unpriced

    @property
    def amount(self) -> Money | Unknown:
        """Revenue less the known cost, in one currency; money of different currencies is never subtracted."""
        currencies = sorted({money.currency for money in (*self.revenue.values(), *self.cost.values()) if money.amount})
        if len(currencies) > 1:
            return Unknown("mixed_currency", f"revenue and cost are in {', '.join(currencies)}; give exchange rates")
        currency = currencies[0] if currencies else min((*self.revenue, *self.cost), default="USD")
        zero = Money(Decimal(0), currency)
        return self.revenue.get(currency, zero) - self.cost.get(currency, zero)

    @property
    def percent(self) -> Decimal | None:
        """The margin as a percentage of the revenue, for display: two decimals; None without revenue or margin."""
        margin = self.amount
        if isinstance(margin, Unknown):
            return None
        revenue = self.revenue.get(margin.currency)
        return None if revenue is None or not revenue.amount else percentage(margin.amount, revenue.amount)


def margin(revenue: Iterable[Money], costs: Iterable[Cost | Unknown]) -> Margin:
    """Add up revenue (usage charges and base fees) and the cost of calls."""
    known: list[Money] = []
    unpriced: Counter[str] = Counter()
    for cost in costs:
        if isinstance(cost, Unknown):
            unpriced[cost.reason] += 1
        else:
            known.append(Money(cost.amount, cost.currency))
    return Margin(_sums(revenue), _sums(known), dict(unpriced))


def percentage(part: Decimal, whole: Decimal) -> Decimal:
    """Return part / whole in percent with two decimals, half away from zero; for display only."""
    percent = _WIDE.multiply(_WIDE.divide(part, whole), _HUNDRED)
    return percent.quantize(DISPLAY, rounding=ROUND_HALF_UP, context=_WIDE)


def _sums(amounts: Iterable[Money]) -> dict[str, Money]:
    totals: dict[str, Money] = {}
    for money in amounts:
        totals[money.currency] = totals[money.currency] + money if money.currency in totals else money
    return totals
