"""Margin in one currency; base fees are revenue; what has no cost is shown apart."""

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan_rater.cost.book import CostBook
from tollspan_rater.cost.formula import Cost, quantities
from tollspan_rater.cost.margin import Margin, margin
from tollspan_rater.cost.rates import Unknown
from tollspan_rater.domain.money import Money
from tollspan_rater.domain.usage import Usage


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def spent(amount: str, currency: str = "USD") -> Cost:
    return Cost(Decimal(amount), currency, (), "cb_test")


@pytest.mark.parametrize(
    ("example", "revenue", "usage", "expected", "percent"),
    [
        ("f: 1,200 in and 350 out at 4 / 16 per million", "0.0104", [(1200, 350)], "0.0052", "50.00"),
        ("l: a healthy customer at 100 a month", "100", [(1_000_000, 750_000)], "92", "92.00"),
        ("l: an unhealthy one", "100", [(30_000_000, 10_000_000)], "-40", "-40.00"),
        ("l: both", "200", [(1_000_000, 750_000), (30_000_000, 10_000_000)], "52", "26.00"),
        ("m: 500 short calls at 99 a month", "99", [(400, 100)] * 500, "98.20", "99.19"),
        ("m: 2,000 long calls", "99", [(3000, 250)] * 2000, "83.00", "83.84"),
    ],
)
def test_examples_of_the_field(
    book: CostBook,
    july: datetime,
    example: str,
    revenue: str,
    usage: list[tuple[int, int]],
    expected: str,
    percent: str,
) -> None:
    costs = [
        book.cost("openai", "gpt-4.1", july, quantities(Usage(input=sent, cache_read=0, output=got)))
        for sent, got in usage
    ]
    result = margin([usd(revenue)], costs)
    assert result.amount == usd(expected)
    assert result.percent == Decimal(percent)
    assert result.complete


def test_retry_leakage_is_a_share_of_the_cost(book: CostBook, july: datetime) -> None:
    """p: 2 failed calls of 1,000/50, one success of 1,000/200"""
    from tollspan_rater.cost.margin import percentage

    def made(got: int) -> Decimal:
        answer = book.cost("openai", "gpt-4.1", july, quantities(Usage(input=1000, cache_read=0, output=got)))
        assert isinstance(answer, Cost)
        return answer.amount

    leaked = made(50) * 2
    assert (leaked, percentage(leaked, leaked + made(200))) == (Decimal("0.0048"), Decimal("57.14"))


def test_base_fees_are_revenue_and_the_unpriced_is_counted_apart() -> None:
    result = margin(
        [usd("99"), usd("1")],
        [spent("8"), Unknown("unknown_model", "x"), Unknown("unknown_model", "y"), Unknown("unmeasured", "z")],
    )
    assert result.amount == usd("92")
    assert result.unpriced == {"unknown_model": 2, "unmeasured": 1}
    assert not result.complete


def test_two_currencies_have_no_margin_but_a_reason() -> None:
    result = margin([Money(Decimal(100), "EUR")], [spent("8")])
    assert isinstance(result.amount, Unknown)
    assert result.amount.reason == "mixed_currency"
    assert result.percent is None
    assert (result.revenue["EUR"].amount, result.cost["USD"].amount) == (100, 8)


def test_zero_in_another_currency_disturbs_nothing() -> None:
    result = margin([Money(Decimal(100), "EUR"), usd("0")], [spent("0")])
    assert result.amount == Money(Decimal(100), "EUR")


def test_no_revenue_has_a_margin_but_no_percentage() -> None:
    assert margin([], [spent("8")]).amount == usd("-8")
    assert margin([], [spent("8")]).percent is None
    assert Margin().amount == usd("0")
    assert Margin().percent is None


amounts = st.decimals(0, 1000, places=9, allow_nan=False)


@given(st.lists(amounts), st.lists(amounts), st.integers(0, 20))
def test_margins_add_up_however_they_are_split(revenue: list[Decimal], costs: list[Decimal], at: int) -> None:
    money = [Money(amount, "USD") for amount in revenue]
    calls: list[Cost | Unknown] = [Cost(amount, "USD", (), "cb") for amount in costs]
    calls.append(Unknown("unmeasured", "x"))
    whole = margin(money, calls)
    assert margin(money[:at], calls[at:]) + margin(money[at:], calls[:at]) == whole
    assert whole.amount == Money(sum(revenue, Decimal(0)) - sum(costs, Decimal(0)), "USD")
