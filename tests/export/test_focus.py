"""Cost data: what each kind of line becomes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.export.invoice import AMOUNTS, MONTH
from tollspan_rater.export.files.focus import FIELDS, LAYOUT, unit
from tollspan_rater.export.files.sheet import Row
from tollspan_rater.export.files.told import Told

OPTIONS = {"provider": "Example Software"}


def row(**change: object) -> Row:
    return LAYOUT.row(Told(replace(AMOUNTS[0], **change), "li_1", MONTH.start_ns, options=OPTIONS))


@pytest.mark.parametrize(
    ("kind", "category", "frequency", "quantity", "measured_in"),
    [
        ("usage", "Usage", "Usage-Based", 7, "Tokens"),
        ("base_fee", "Usage", "Recurring", 7, "Units"),
        ("flat_fee", "Usage", "Recurring", 7, "Units"),
        ("addon", "Usage", "Recurring", 7, "Units"),
        ("discount", "Credit", "One-Time", None, None),
        ("maximum", "Credit", "One-Time", None, None),
        ("minimum", "Adjustment", "One-Time", None, None),
        ("commitment", "Adjustment", "One-Time", None, None),
        ("overage", "Adjustment", "One-Time", None, None),
        ("rounding", "Adjustment", "One-Time", None, None),
        ("adjustment", "Usage", "Usage-Based", 7, "Tokens"),
    ],
)
def test_kinds(kind: str, category: str, frequency: str, quantity: int | None, measured_in: str | None) -> None:
    found = row(kind=kind, quantity=Decimal(7))
    assert (found["ChargeCategory"], found["ChargeFrequency"]) == (category, frequency)
    assert (found["ConsumedQuantity"], found["ConsumedUnit"]) == (quantity, measured_in)
    assert (found["PricingQuantity"], found["PricingUnit"]) == (quantity, measured_in)


def test_a_fee_without_a_quantity_is_one_of_its_kind() -> None:
    assert row(kind="base_fee", quantity=None)["PricingQuantity"] == 1


@pytest.mark.parametrize("meter", ["base_fee", "minimum", "adjustment"])
def test_a_correction_of_what_is_no_usage_is_an_adjustment(meter: str) -> None:
    assert row(kind="adjustment", meter=meter)["ChargeCategory"] == "Adjustment"


def test_a_correction_names_the_period_it_corrects_and_the_one_it_is_billed_in() -> None:
    found = row(
        corrects="line-1",
        period="2026-12",
        period_start_ns=MONTH.end_ns,
        period_end_ns=MONTH.end_ns + 31 * 86_400 * 10**9,
    )
    assert found["ChargeClass"] == "Correction"
    assert (found["ChargePeriodStart"], found["ChargePeriodEnd"]) == ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
    assert (found["BillingPeriodStart"], found["BillingPeriodEnd"]) == ("2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z")
    assert row(corrects="line-1")["ChargeClass"] is None


def test_all_costs_are_the_amount_and_who_sells_is_on_every_row() -> None:
    found = row(amount=Decimal("-1.11"))
    assert {found[name] for name in ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost")} == {Decimal("-1.11")}
    assert {found[f"{who}Name"] for who in ("Provider", "Publisher", "InvoiceIssuer")} == {"Example Software"}
    assert row(plan=None)["ServiceName"] == "Example Software"


@pytest.mark.parametrize(
    ("meter", "said"),
    [("cache_read", "Tokens"), ("gpu_second", "Seconds"), ("web_search", "Web Searches"), ("ocr_page", "Ocr Pages")],
)
def test_units(meter: str, said: str) -> None:
    assert unit(meter) == said


def test_columns_of_the_specification_come_first_in_the_order_of_the_alphabet() -> None:
    names = [field.column.name for field in FIELDS]
    own = [name for name in names if name.startswith("x_")]
    assert names == [*sorted(set(names) - set(own)), *own]
