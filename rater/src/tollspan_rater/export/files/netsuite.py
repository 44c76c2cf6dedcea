"""NetSuite's usage records as a CSV for its import assistant. Pure.

Fields of the usage record: NetSuite's schema browser, ``usage``. The import maps headings to fields; ``External ID``
makes it an update of what was there when the same file is imported twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tollspan_rater.export.contract import Contract, Needs
from tollspan_rater.export.files.form import CSV
from tollspan_rater.export.files.sheet import Column
from tollspan_rater.export.files.told import Field, Layout
from tollspan_rater.export.files.words import check_dates, day, own, short

CONTRACT: Final = Contract(
    "netsuite-file",
    "usage",
    "NetSuite: usage record, CSV import",
    batch=1_000,
    negative="carried",
    digits=8,
    needs=Needs(("customer", "subscription"), ("item", "subscription_line")),
)


def netsuite(options: Mapping[str, str]) -> Layout:
    """Return the layout of usage records; ``date_format`` is that of the NetSuite user who imports.

    Raises:
        ConfigError: the date format is none that is known.
    """
    check_dates(options)
    return Layout(CONTRACT, CSV, _FIELDS)


_FIELDS: Final = (
    Field(Column("External ID", required=True, identifier=True), lambda told: told.item_id),
    Field(Column("Customer", required=True, identifier=True), lambda told: told.customer.get("customer")),
    Field(Column("Subscription", required=True, identifier=True), lambda told: told.customer.get("subscription")),
    Field(Column("Subscription Line", required=True, identifier=True), lambda told: own(told, "subscription_line")),
    Field(Column("Item", required=True, identifier=True), lambda told: told.meter.get("item")),
    Field(Column("Usage Date", required=True), day),
    Field(
        Column("Usage Quantity", "decimal", required=True, longest=19, unsigned=True), lambda told: told.draft.quantity
    ),
    Field(Column("Memo", longest=999), lambda told: short(told.draft.description, 999)),
)
