"""Tier algebra: what each price model makes of a quantity, at every edge."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tollspan_rater.domain.money import exact_sum
from tollspan_rater.pricing.model import (
    Flat,
    Graduated,
    Package,
    Percentage,
    PerUnit,
    PriceModel,
    Stair,
    Stairstep,
    Tier,
    Volume,
)
from tollspan_rater.rating.amount import amount_of, steps_of

D = Decimal
TIERS = (Tier(D(10), D(3)), Tier(D("20.5"), D(2), flat=D(5)), Tier(None, D("0.5"), flat=D(1)))
GRADUATED, VOLUME = Graduated(TIERS), Volume(TIERS)
PACKAGE = Package(price=D(2), size=D(10), free=D(5))
PER_UNIT, FLAT = PerUnit(D("0.000000065")), Flat(D(7))
STAIRSTEP = Stairstep((Stair(D(5), D(50)), Stair(D("20.5"), D(150)), Stair(None, D(400))))
FULL = Package(price=D(2), size=D(10), free=D(5), round="down")
SHARE = Percentage(D("0.029"), free_amount=D(100))
MODELS: list[PriceModel] = [PER_UNIT, GRADUATED, VOLUME, PACKAGE, FLAT, STAIRSTEP, FULL, SHARE]
HUGE = 10**18


@pytest.mark.parametrize(
    ("price", "quantity", "amount"),
    [
        (GRADUATED, "0", "0"),
        (GRADUATED, "9.999", "29.997"),
        (GRADUATED, "10", "30"),  # the bound is inclusive: the next tier's flat fee is not due
        (GRADUATED, "10.001", "35.002"),
        (GRADUATED, "20.5", "56"),
        (GRADUATED, "20.501", "57.0005"),
        (GRADUATED, "1000000000000000000", "500000000000000046.75"),
        (GRADUATED, "-10.001", "-35.002"),  # a correction is a credit
        (VOLUME, "0", "0"),
        (VOLUME, "9.999", "29.997"),
        (VOLUME, "10", "30"),
        (VOLUME, "10.001", "25.002"),
        (VOLUME, "20.5", "46"),
        (VOLUME, "20.501", "11.2505"),
        (VOLUME, "1000000000000000000", "500000000000000001"),
        (PACKAGE, "0", "0"),
        (PACKAGE, "5", "0"),
        (PACKAGE, "5.000000000000000000001", "2"),
        (PACKAGE, "15", "2"),
        (PACKAGE, "15.000000000000000000001", "4"),
        (PACKAGE, "90000000000000006", "18000000000000002"),
        (PACKAGE, "-16", "-4"),
        (PER_UNIT, "0", "0"),
        (PER_UNIT, "10000000", "0.65"),
        (PER_UNIT, "1000000000000000000", "65000000000"),
        (FLAT, "0", "0"),
        (FLAT, "0.1", "7"),
        (FLAT, "1000000000000000000", "7"),
        (STAIRSTEP, "0", "0"),
        (STAIRSTEP, "0.000001", "50"),
        (STAIRSTEP, "5", "50"),
        (STAIRSTEP, "5.000001", "150"),
        (STAIRSTEP, "20.5", "150"),
        (STAIRSTEP, "20.500001", "400"),
        (STAIRSTEP, "1000000000000000000", "400"),
        (STAIRSTEP, "-6", "-150"),
        (FULL, "5", "0"),
        (FULL, "14.999999", "0"),
        (FULL, "15", "2"),
        (FULL, "24.999999", "2"),
        (FULL, "90000000000000015", "18000000000000002"),
        (FULL, "-15", "-2"),
        (SHARE, "0", "0"),
        (SHARE, "100", "0"),
        (SHARE, "100.01", "0.00029"),
        (SHARE, "1000000000000000100", "29000000000000000"),
        (SHARE, "-200", "-2.9"),
    ],
)
def test_edges(price: PriceModel, quantity: str, amount: str) -> None:
    assert amount_of(price)(D(quantity)) == D(amount)


quantities = st.decimals(-HUGE, HUGE, places=6)


@settings(deadline=None)
@given(st.sampled_from(MODELS), quantities)
def test_steps_add_up_to_the_amount(price: PriceModel, quantity: Decimal) -> None:
    steps = steps_of(price, quantity)
    assert exact_sum(step.amount for step in steps) == amount_of(price)(quantity)
    assert all(
        step.unit_price is None or step.quantity * step.unit_price == step.amount
        for step in steps
        if step.quantity < 10**9
    )


@settings(deadline=None)
@given(st.integers(0, 60))
def test_graduated_is_the_sum_of_single_units(quantity: int) -> None:
    def unit(number: int) -> Decimal:
        tier = next(t for t in TIERS if t.up_to is None or number <= t.up_to)
        return tier.unit_price

    whole = Graduated(tuple(Tier(t.up_to and D(int(t.up_to)), t.unit_price) for t in TIERS))
    assert amount_of(whole)(D(quantity)) == sum((unit(n) for n in range(1, quantity + 1)), D(0))


@settings(deadline=None)
@given(
    st.sampled_from([PER_UNIT, GRADUATED, PACKAGE, FLAT, STAIRSTEP, FULL, SHARE]),
    st.decimals(0, 100, places=3),
    st.decimals(0, 100, places=3),
)
def test_using_more_never_costs_less_except_by_volume(price: PriceModel, one: Decimal, other: Decimal) -> None:
    less, more = sorted((one, other))
    assert amount_of(price)(less) <= amount_of(price)(more)


def test_volume_is_not_monotone() -> None:
    assert amount_of(VOLUME)(D("20.501")) < amount_of(VOLUME)(D("20.5"))
