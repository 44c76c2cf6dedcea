"""NetSuite's invoices as a CSV for its import assistant: rated lines, those of one invoice under one external id. Pure.

NetSuite help, "Invoice Import" and "Import Format and Mapping Considerations": one file holds body and lines, the
external id of the invoice stands in every row, and the rows of an invoice follow each other. Fields of the record:
NetSuite's schema browser, ``invoice``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tollspan_rater.export.contract import Contract, Needs
from tollspan_rater.export.files.form import CSV
from tollspan_rater.export.files.sheet import Column
from tollspan_rater.export.files.told import Field, Layout, Together, Told
from tollspan_rater.export.files.words import check_dates, own, short, written_day

CONTRACT: Final = Contract(
    "netsuite-invoices-file",
    "amount",
    "NetSuite: invoice record, CSV import",
    batch=1_000,
    negative="carried",  # an invoice is never below zero
    needs=Needs(("customer",), ("item",)),
)
TOGETHER: Final = Together("External ID", ("Customer", "Currency", "Date", "Memo"))


def netsuite_invoices(options: Mapping[str, str]) -> Layout:
    """Return the layout of invoices; ``date_format`` is that of the NetSuite user who imports.

    Raises:
        ConfigError: the date format is none that is known.
    """
    check_dates(options)
    return Layout(CONTRACT, CSV, _FIELDS, together=TOGETHER)


def _last_day(told: Told) -> str:
    """Return the last day of the statement's period."""
    end_ns = told.draft.period_end_ns
    return written_day(told, told.stamp_ns if end_ns is None else end_ns - 1)


_FIELDS: Final = (
    Field(Column("External ID", required=True, identifier=True), lambda told: told.item_id),
    Field(Column("Customer", required=True, identifier=True), lambda told: told.customer.get("customer")),
    Field(Column("Date", required=True), _last_day),
    Field(Column("Currency", required=True), lambda told: told.draft.currency),
    Field(Column("Memo"), lambda told: f"Usage {told.draft.period}"),
    Field(Column("Item", required=True, identifier=True), lambda told: own(told, "item")),
    Field(Column("Quantity", "decimal"), lambda _told: 1),
    Field(Column("Rate", "decimal", required=True), lambda told: told.draft.amount),
    Field(Column("Amount", "decimal", required=True), lambda told: told.draft.amount),
    Field(Column("Description", longest=999), lambda told: short(told.draft.description, 999)),
    Field(Column("Tollspan Item", identifier=True), lambda told: told.item_id),
)
