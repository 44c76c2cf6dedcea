"""Drafts in our own words: the columns of CSV, JSON lines and Parquet. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from tollspan_rater.errors import ConfigError
from tollspan_rater.export.contract import Contract
from tollspan_rater.export.draft import Source
from tollspan_rater.export.files.form import Form
from tollspan_rater.export.files.sheet import Column, instant_text
from tollspan_rater.export.files.told import Field, Keeps, Layout, Told


def _dimensions(told: Told) -> str | None:
    return json.dumps(dict(told.draft.dimensions), ensure_ascii=False) if told.draft.dimensions else None


FIELDS: Final = (
    Field(Column("item_id"), lambda told: told.item_id),
    Field(Column("source"), lambda told: told.draft.source),
    Field(Column("customer"), lambda told: told.draft.customer),
    Field(Column("period"), lambda told: told.draft.period),
    Field(Column("at", "instant"), lambda told: instant_text(told.stamp_ns)),
    Field(Column("kind"), lambda told: told.draft.kind),
    Field(Column("description"), lambda told: told.draft.description),
    Field(Column("meter"), lambda told: told.draft.meter),
    Field(Column("quantity", "decimal"), lambda told: told.draft.quantity),
    Field(Column("unit_price", "decimal"), lambda told: told.draft.unit_price),
    Field(Column("amount", "decimal"), lambda told: told.draft.amount),
    Field(Column("amount_exact", "decimal"), lambda told: told.draft.amount_exact),
    Field(Column("currency"), lambda told: told.draft.currency),
    Field(Column("plan"), lambda told: told.draft.plan),
    Field(Column("price_version"), lambda told: told.draft.price_version),
    Field(Column("service_period"), lambda told: told.draft.service.label),
    Field(Column("service_from", "instant"), lambda told: instant_text(told.draft.service.start_ns)),
    Field(Column("service_to", "instant"), lambda told: instant_text(told.draft.service.end_ns)),
    Field(Column("zone"), lambda told: told.draft.service.zone),
    Field(Column("component"), lambda told: told.draft.component),
    Field(Column("ordinal", "integer"), lambda told: told.draft.ordinal),
    Field(Column("corrects"), lambda told: told.draft.corrects),
    Field(Column("dimensions"), _dimensions),
)
KEEPS: Final = Keeps("item_id", "customer", "meter", "at", "amount", "currency", "quantity")
SOURCE: Final = "docs/reference/exports.md"
_SOURCES: Final[Mapping[str, Source]] = {"amounts": "amount", "usage": "usage"}


def lines(form: Form, options: Mapping[str, str]) -> Layout:
    """Return the layout of lines in our own words; the option ``as: usage`` tells usage instead of amounts.

    Raises:
        ConfigError: the option is neither ``amounts`` nor ``usage``.
    """
    takes = _SOURCES.get(wanted := options.get("as", "amounts"))
    if takes is None:
        raise ConfigError("options.as", wanted, "an export", f"choose one of {', '.join(_SOURCES)}")
    return Layout(
        Contract(form.suffix, takes, SOURCE, batch=1_000, bills=False, compares="entries"), form, FIELDS, keeps=KEEPS
    )
