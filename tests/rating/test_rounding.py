"""One rounding point: any number of part-bills is one bill."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tollspan_rater.pricing.model import Graduated, Package, PerUnit, PriceModel, Tier, Volume
from tollspan_rater.rating.amount import amount_of
from tollspan_rater.rating.rounding import remainder, rounded, to_book

D = Decimal
TIERS = (Tier(D(100), D("0.0013")), Tier(D(500), D("0.0007"), flat=D("0.005")), Tier(None, D("0.0001")))
MODELS = [PerUnit(D("0.001")), Graduated(TIERS), Volume(TIERS), Package(D("0.005"), D(7))]


@settings(deadline=None)
@given(
    st.sampled_from(MODELS),
    st.lists(st.integers(-50, 400), min_size=1, max_size=12),
    st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_part_bills_add_up_to_one_bill(price: PriceModel, parts: list[int], currency: str) -> None:
    used, booked = D(0), D(0)
    for part in parts:
        used += part
        booked += to_book(amount_of(price)(used), booked, currency)
    exact = amount_of(price)(used)
    assert booked == rounded(exact, currency)
    assert abs(remainder(exact, booked)) * 2 <= rounded(D(1), currency).scaleb(
        {"USD": -2, "JPY": 0, "KWD": -3}[currency]
    )


def test_three_bills_of_four_units_at_a_tenth_of_a_cent() -> None:
    booked = [D(0)]
    for used in (4, 8, 12):
        booked.append(to_book(D(used) * D("0.001"), sum(booked), "USD"))
    assert booked[1:] == [D("0.00"), D("0.01"), D("0.00")]


@pytest.mark.parametrize(
    ("exact", "currency", "expected"),
    [
        ("0.005", "USD", "0.01"), ("-0.005", "USD", "-0.01"), ("0.00499999999999999999999999999999", "USD", "0"),
        ("0.5", "JPY", "1"), ("0.0005", "KWD", "0.001"),
    ],
)  # fmt: skip
def test_half_away_from_zero(exact: str, currency: str, expected: str) -> None:
    assert rounded(D(exact), currency) == D(expected)


@pytest.mark.parametrize(
    ("mode", "amounts"),
    [
        ("half_up", ["0.13", "-0.13", "0.12", "0.14"]),
        ("half_even", ["0.12", "-0.12", "0.12", "0.14"]),
        ("up", ["0.13", "-0.13", "0.13", "0.14"]),
        ("down", ["0.12", "-0.12", "0.12", "0.13"]),
    ],
)
def test_modes(mode: str, amounts: list[str]) -> None:
    exact = ["0.125", "-0.125", "0.121", "0.135"]
    assert [rounded(D(text), "USD", mode) for text in exact] == [D(text) for text in amounts]
