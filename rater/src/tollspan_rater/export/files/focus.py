"""FOCUS 1.2, the FinOps Open Cost and Usage Specification: our bill as the cost data of the customer who gets it. Pure.

We are the provider: what we charge is the customer's cost. Columns and their rules: the specification's "Cost and
usage" dataset and the requirements model 1.2.0.1 of its validator. Lines have no list price beside the agreed one and
nothing is paid in advance, so the four costs are the same amount. What the providers of the models charge us is not
the customer's to see and is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, Literal, get_args

from tollspan_rater.domain.meters import TOKEN_METERS
from tollspan_rater.errors import ConfigError
from tollspan_rater.export.contract import Contract
from tollspan_rater.export.files.form import CSV
from tollspan_rater.export.files.sheet import Column, instant_text
from tollspan_rater.export.files.told import Field, Keeps, Layout, Told
from tollspan_rater.query.answer import Cell
from tollspan_rater.rating.line import Kind

Category = Literal["Usage", "Credit", "Adjustment"]
CONTRACT: Final = Contract("focus", "amount", "FOCUS 1.2: Cost and usage", batch=1_000, bills=False, compares="entries")
PROVIDER: Final = "provider"  # the option that names who sells: the specification wants it on every row

# Kind of line -> category and frequency. A fee pays for the time in which the service was held: a "Purchase" would
# pay for charges to come. What a modifier adds or takes over all lines is no usage of its own.
_CHARGES: Final[Mapping[str, tuple[Category, str]]] = {
    "usage": ("Usage", "Usage-Based"),
    "flat_fee": ("Usage", "Recurring"),
    "base_fee": ("Usage", "Recurring"),
    "addon": ("Usage", "Recurring"),
    "discount": ("Credit", "One-Time"),
    "maximum": ("Credit", "One-Time"),
}
_FEES: Final = frozenset({"flat_fee", "base_fee", "addon"})
_KINDS: Final = frozenset(get_args(Kind))  # what is no usage has its kind for a meter
_OTHER: Final[tuple[Category, str]] = ("Adjustment", "One-Time")


def unit(meter: str) -> str:
    """Return the unit of a meter's quantities as the specification writes units: words in the plural, capitalized."""
    if meter in TOKEN_METERS:
        return "Tokens"
    words = "second" if meter.endswith("_second") else meter.replace("_", " ")
    return words.title() + ("es" if words.endswith(("s", "x", "ch", "sh")) else "s")


def _charge(told: Told) -> tuple[Category, str]:
    draft = told.draft
    if draft.kind == "adjustment" and draft.meter not in _KINDS and draft.quantity is not None:
        return _CHARGES["usage"]
    return _CHARGES.get(draft.kind, _OTHER)


def _class(told: Told) -> str | None:
    """Return ``Correction`` for what corrects a period that was invoiced before."""
    corrects = told.draft.corrects is not None and told.draft.service.label != told.draft.period
    return "Correction" if corrects else None


def _quantity(told: Told) -> Decimal | None:
    """Return what was consumed, which is what was priced; a fee is one of its kind."""
    if _charge(told)[0] != "Usage":
        return None
    fee = told.draft.kind in _FEES and told.draft.quantity is None
    return Decimal(1) if fee else told.draft.quantity


def _unit(told: Told) -> str | None:
    if _quantity(told) is None:
        return None
    return "Units" if told.draft.kind in _FEES else unit(told.draft.meter)


def _period(told: Told, bound: Literal["start_ns", "end_ns"]) -> str | None:
    """Return a bound of the period whose bill it is on, which is not the one it was used in where it corrects that."""
    own: int | None = getattr(told.draft, f"period_{bound}")
    return instant_text(getattr(told.draft.service, bound) if own is None else own)


def _amount(told: Told) -> Cell:
    return told.draft.amount


def _provider(told: Told) -> Cell:
    return told.options.get(PROVIDER)


def _text(name: str, cell: Callable[[Told], Cell], *, required: bool = False) -> Field:
    return Field(Column(name, required=required), cell)


def _cost(name: str) -> Field:
    return Field(Column(name, "decimal", required=True), _amount)


def _instant(name: str, cell: Callable[[Told], Cell]) -> Field:
    return Field(Column(name, "instant", required=True), cell)


FIELDS: Final = (
    _cost("BilledCost"),
    _text("BillingAccountId", lambda told: told.draft.customer, required=True),
    _text("BillingAccountName", lambda told: told.customer.get("name")),
    _text("BillingCurrency", lambda told: told.draft.currency, required=True),
    _instant("BillingPeriodEnd", lambda told: _period(told, "end_ns")),
    _instant("BillingPeriodStart", lambda told: _period(told, "start_ns")),
    _text("ChargeCategory", lambda told: _charge(told)[0], required=True),
    _text("ChargeClass", _class),
    _text("ChargeDescription", lambda told: told.draft.description, required=True),
    _text("ChargeFrequency", lambda told: _charge(told)[1], required=True),
    _instant("ChargePeriodEnd", lambda told: instant_text(told.draft.service.end_ns)),
    _instant("ChargePeriodStart", lambda told: instant_text(told.draft.service.start_ns)),
    _text("CommitmentDiscountStatus", lambda _told: None),  # rules of ConsumedQuantity ask for it
    Field(Column("ConsumedQuantity", "decimal"), _quantity),
    _text("ConsumedUnit", _unit),
    _cost("ContractedCost"),
    _cost("EffectiveCost"),
    _text("InvoiceId", lambda _told: None),  # whoever invoices gives it its number
    _text("InvoiceIssuerName", _provider, required=True),
    _cost("ListCost"),
    Field(Column("PricingQuantity", "decimal"), _quantity),
    _text("PricingUnit", _unit),
    _text("ProviderName", _provider, required=True),
    _text("PublisherName", _provider, required=True),
    _text("ServiceCategory", lambda _told: "AI and Machine Learning"),
    _text("ServiceName", lambda told: told.draft.plan or told.options.get(PROVIDER), required=True),
    _text("ServiceSubcategory", lambda _told: "Generative AI"),
    _text("x_LineId", lambda told: told.draft.component),
    _text("x_LineKind", lambda told: told.draft.kind),
    _text("x_Meter", lambda told: told.draft.meter),
    Field(Column("x_UnitPrice", "decimal"), lambda told: told.draft.unit_price),
    Field(Column("x_ExactCost", "decimal"), lambda told: told.draft.amount_exact),
    _text("x_PriceVersion", lambda told: told.draft.price_version),
    _text("x_Corrects", lambda told: told.draft.corrects),
    _text("x_Period", lambda told: told.draft.period),
    _text("x_ServicePeriod", lambda told: told.draft.service.label),
    _text("x_TimeZone", lambda told: told.draft.service.zone),
    _text("x_ItemId", lambda told: told.item_id),
)
KEEPS: Final = Keeps("x_ItemId", "BillingAccountId", "x_Meter", "BillingPeriodStart", "BilledCost", "BillingCurrency")
LAYOUT: Final = Layout(CONTRACT, CSV, FIELDS, keeps=KEEPS)


def focus(options: Mapping[str, str]) -> Layout:
    """Return the layout of cost data.

    Args:
        options: ``provider`` names who sells, which the specification wants on every row.

    Raises:
        ConfigError: it is not given.
    """
    if not options.get(PROVIDER):
        remedy = "name who sells: FOCUS wants it on every row"
        raise ConfigError(f"options.{PROVIDER}", options.get(PROVIDER), "an export", remedy)
    return LAYOUT
