"""Exchange rates as dated data: one amount in another currency, or why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from tollspan_rater.cost.rates import Unknown
from tollspan_rater.domain.clock import from_ns
from tollspan_rater.domain.money import Money


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """One unit of ``base`` costs ``rate`` of ``quote`` from ``valid_from`` to ``valid_to`` (ns, exclusive)."""

    base: str
    quote: str
    rate: Decimal
    valid_from: int
    valid_to: int
    source: str


@dataclass(frozen=True, slots=True)
class Converted:
    """An exact amount in another currency and the source of its rate; None where nothing had to be converted."""

    money: Money
    source: str | None


def convert(money: Money, currency: str, at_ns: int, table: Sequence[ExchangeRate]) -> Converted | Unknown:
    """Convert by the first rate of the table that leads straight to the currency and holds at the instant.

    A rate is never inverted, because its inverse has no exact decimal; give both directions where both are needed.
    """
    if money.currency == currency:
        return Converted(money, None)
    for rate in table:
        if (rate.base, rate.quote) == (money.currency, currency) and rate.valid_from <= at_ns < rate.valid_to:
            return Converted(Money(money.times(rate.rate).amount, currency), rate.source)
    day = from_ns(at_ns).date()
    return Unknown("no_exchange_rate", f"no rate from {money.currency} to {currency} holds on {day}")
