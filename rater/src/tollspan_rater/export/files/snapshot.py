"""The rated lines of an answer as one file: CSV, JSON lines, Parquet in their own columns, or FOCUS."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from tollspan_rater.domain.clock import to_ns
from tollspan_rater.errors import ExportFileError
from tollspan_rater.export.draft import Draft, Service
from tollspan_rater.export.files.focus import focus
from tollspan_rater.export.files.form import CSV, FORMS, Form, fault
from tollspan_rater.export.files.sheet import Column, Kind, Sheet
from tollspan_rater.export.files.told import Told
from tollspan_rater.query.answer import Answer, Cell

_KINDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("quantity", "included", "billable", "unit_price", "amount", "amount_exact"), "decimal"),
    "calls": "integer",
    "steps": "texts",
}


def snapshot(kind: str, answer: Answer, options: Mapping[str, str]) -> tuple[str, bytes]:
    """Return the name and the bytes of the file of an answer's lines.

    Args:
        kind: one of :data:`KINDS`.
        answer: of the question ``lines``.
        options: ``provider`` for FOCUS: who sells.

    Raises:
        ExportFileError: a line cannot stand in such a file.
        ConfigError: FOCUS without a provider.
    """
    form, sheet = KINDS[kind](kind, answer, options)
    for number, row in enumerate(sheet.rows, start=1):
        if (found := fault(form, sheet, row)) is not None:
            raise ExportFileError(kind, number, found.column, found.why)
    name = f"lines.{form.suffix}" if kind in FORMS else f"{kind}.{form.suffix}"
    return name, form.write(sheet)


def drafts(answer: Answer) -> Iterable[Draft]:
    """Return the lines of an answer as drafts, as far as they are known to it; usage is none of them."""
    for row in answer.rows:
        bill = _bill(answer, row)
        corrected = bill.get("corrected", {}).get(row["service_period"], bill) if row["corrects"] else bill
        service = Service(str(row["service_period"]), bill["zone"], _ns(corrected["from"]), _ns(corrected["to"]))
        yield Draft(
            source="amount",
            customer=str(row["customer"]),
            component=str(row["line_id"]),
            ordinal=0,
            service=service,
            meter=str(row["meter"]),
            description=str(row["description"]),
            quantity=_decimal(row["quantity"]),
            amount=_decimal(row["amount"]),
            amount_exact=_decimal(row["amount_exact"]),
            currency=_text(row["currency"]),
            kind=str(row["kind"]),
            unit_price=_decimal(row["unit_price"]),
            plan=_text(row["plan"]),
            price_version=_text(row["price_version"]),
            corrects=_text(row["corrects"]),
            period=str(row["period"]),
            period_start_ns=_ns(bill["from"]),
            period_end_ns=_ns(bill["to"]),
            cutoff=answer.as_of,
        )


def _own(kind: str, answer: Answer, _options: Mapping[str, str]) -> tuple[Form, Sheet]:
    columns = tuple(Column(name, _KINDS.get(name, "text")) for name in answer.columns)
    return FORMS[kind], Sheet(columns, answer.rows)


def _focus(_kind: str, answer: Answer, options: Mapping[str, str]) -> tuple[Form, Sheet]:
    layout = focus(options)
    told = (Told(draft, draft.component, draft.period_start_ns or 0, options=options) for draft in drafts(answer))
    return CSV, Sheet(layout.columns, [layout.row(one) for one in told])


KINDS: Final[Mapping[str, Callable[[str, Answer, Mapping[str, str]], tuple[Form, Sheet]]]] = {
    **dict.fromkeys(FORMS, _own),
    "focus": _focus,
}


def _bill(answer: Answer, row: Mapping[str, Cell]) -> Mapping[str, Any]:
    """Return the details of the bill that a line is on: by customer and period where a customer has several."""
    found = answer.details.get(f"{row['customer']} {row['period']}", answer.details.get(str(row["customer"])))
    if not isinstance(found, Mapping):
        raise ExportFileError(
            "focus", 1, "BillingPeriodStart", f"the bounds of {row['customer']}'s period are not known"
        )
    return found


def _ns(text: str) -> int:
    return to_ns(datetime.fromisoformat(text))


def _decimal(cell: Cell) -> Decimal | None:
    return cell if isinstance(cell, Decimal) else None


def _text(cell: Cell) -> str | None:
    return None if cell is None else str(cell)
