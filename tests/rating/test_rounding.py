"""One rounding point: its modes and units."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tollspan_rater.rating.rounding import rounded

D = Decimal


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
