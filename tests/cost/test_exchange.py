from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tollspan_rater.cost.exchange import Converted, ExchangeRate, convert
from tollspan_rater.cost.rates import Unknown
from tollspan_rater.domain.clock import to_ns
from tollspan_rater.domain.money import Money

JULY, AUGUST, SEPTEMBER = (to_ns(datetime(2026, month, 1, tzinfo=UTC)) for month in (7, 8, 9))
TABLE = (
    ExchangeRate("USD", "EUR", Decimal("0.8613"), JULY, AUGUST, "ECB 2026-07-01"),
    ExchangeRate("USD", "EUR", Decimal("0.9"), AUGUST, SEPTEMBER, "ECB 2026-08-01"),
)


@pytest.mark.parametrize(
    ("at", "expected", "source"),
    [(JULY, "86.13", "ECB 2026-07-01"), (AUGUST - 1, "86.13", "ECB 2026-07-01"), (AUGUST, "90.0", "ECB 2026-08-01")],
)
def test_the_rate_of_the_day_converts_exactly(at: int, expected: str, source: str) -> None:
    assert convert(Money(Decimal(100), "USD"), "EUR", at, TABLE) == Converted(Money(Decimal(expected), "EUR"), source)


def test_the_same_currency_needs_no_rate() -> None:
    euros = Money(Decimal(5), "EUR")
    assert convert(euros, "EUR", JULY, ()) == Converted(euros, None)


@pytest.mark.parametrize(
    ("base", "quote", "at"),
    [("USD", "EUR", SEPTEMBER), ("USD", "EUR", JULY - 1), ("EUR", "USD", JULY), ("USD", "JPY", JULY)],
)
def test_without_a_rate_for_that_day_and_direction_it_is_unknown(base: str, quote: str, at: int) -> None:
    answer = convert(Money(Decimal(100), base), quote, at, TABLE)
    assert isinstance(answer, Unknown)
    assert answer.reason == "no_exchange_rate"
