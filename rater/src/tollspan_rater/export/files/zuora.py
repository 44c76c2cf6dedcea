"""Zuora's usage file: one row a quantity of a customer, meter and day. Pure.

Headings, required cells and limits: Zuora, "Import usage data" (usage template), and the fields of its usage object in
zuora-sdk 3.21.0. The whole file is imported or nothing of it, so that a row that Zuora would refuse is refused here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tollspan_rater.export.contract import Contract, Needs
from tollspan_rater.export.files.form import CSV
from tollspan_rater.export.files.sheet import Column
from tollspan_rater.export.files.told import Field, Layout
from tollspan_rater.export.files.words import check_dates, day, own, short

MOST_BYTES: Final = 4_000_000
_UNIQUE_KEY: Final = Field(Column("UNIQUE_KEY", identifier=True), lambda told: told.item_id)
CONTRACT: Final = Contract(
    "zuora-file",
    "usage",
    "Zuora: Import usage data",
    batch=1_000,
    negative="carried",
    digits=6,
    needs=Needs(("account", "subscription"), ("uom", "charge")),
)


def zuora(options: Mapping[str, str]) -> Layout:
    """Return the layout of a usage file.

    Args:
        options: ``date_format``, as the locale of the Zuora user who imports says, by default MM/DD/YYYY; and
            ``unique_key: yes``, for tenants whose usage has that field (prepaid drawdown, unbilled usage).

    Raises:
        ConfigError: the date format is none that is known.
    """
    check_dates(options)
    keyed = options.get("unique_key") == "yes"
    return Layout(CONTRACT, CSV, (*_FIELDS, _UNIQUE_KEY) if keyed else _FIELDS, MOST_BYTES)


_FIELDS: Final = (
    Field(Column("ACCOUNT_ID", required=True, identifier=True), lambda told: told.customer.get("account")),
    Field(Column("UOM", required=True, identifier=True), lambda told: told.meter.get("uom")),
    Field(Column("QTY", "decimal", required=True, longest=16, unsigned=True), lambda told: told.draft.quantity),
    Field(Column("STARTDATE", required=True), day),
    Field(Column("ENDDATE"), lambda _told: None),
    Field(
        Column("SUBSCRIPTION_ID", required=True, longest=100, identifier=True),
        lambda told: told.customer.get("subscription"),
    ),
    Field(Column("CHARGE_ID", required=True, identifier=True), lambda told: own(told, "charge")),
    Field(Column("DESCRIPTION", longest=200), lambda told: short(told.draft.description, 200)),
)
