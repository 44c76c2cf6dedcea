"""A draft as a CloudEvent: all that it says, for receivers of your own (CloudEvents 1.0, JSON event format)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from tollspan_rater.export.draft import Draft
from tollspan_rater.query.wording import instant, plain

_TYPES: Final = {"amount": "tollspan.line", "usage": "tollspan.usage"}


def event(draft: Draft, item_id: str, stamp_ns: int, *, source: str, subject: str | None = None) -> dict[str, Any]:
    """Return an event whose id is the item's; without a ``subject`` it is our name of the customer."""
    return {
        "specversion": "1.0",
        "id": item_id,
        "source": source,
        "type": _TYPES[draft.source],
        "subject": subject or draft.customer,
        "time": instant(stamp_ns),
        "datacontenttype": "application/json",
        "data": _data(draft),
    }


def _data(draft: Draft) -> dict[str, Any]:
    service = draft.service
    return {
        "customer": draft.customer,
        "period": draft.period,
        "component": draft.component,
        "ordinal": draft.ordinal,
        "kind": draft.kind,
        "meter": draft.meter,
        "description": draft.description,
        "quantity": _text(draft.quantity),
        "unit_price": _text(draft.unit_price),
        "amount": _text(draft.amount),
        "amount_exact": _text(draft.amount_exact),
        "currency": draft.currency,
        "plan": draft.plan,
        "price_version": draft.price_version,
        "corrects": draft.corrects,
        "service": {
            "label": service.label,
            "zone": service.zone,
            "start": instant(service.start_ns),
            "end": instant(service.end_ns),
        },
        "dimensions": dict(draft.dimensions),
    }


def _text(number: Decimal | None) -> str | None:
    return None if number is None else f"{plain(number):f}"
