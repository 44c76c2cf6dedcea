"""What both ways of handing usage to Stripe's meters share: the words of an event, and what a meter adds up to."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from tollspan_rater.domain.money import exact_sum
from tollspan_rater.errors import UntellableError
from tollspan_rater.export.contract import Needs
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.http import Answer, Http, Request
from tollspan_rater.export.rules import at
from tollspan_rater.export.target import Held, Mapped, Wanted
from tollspan_rater.export.targets import stripe

NEEDS: Final = Needs(customer=("customer",), meter=("event_name",))
PAST_S: Final = 35 * stripe.DAY_S
FUTURE_S: Final = 5 * 60
_METERS: Final = "/v1/billing/meters"
_MOST: Final = "100"


def event(target: str, draft: Draft, item_id: str, mapped: Mapped) -> dict[str, Any]:
    """Return the words that every meter event has; its time is still to be added.

    A meter may read its customer and its value under other names: ``customer_key``, ``value_key`` in the mapping.

    Raises:
        UntellableError: the draft has no quantity.
    """
    if draft.quantity is None:
        raise UntellableError(target, draft.component, "a meter event needs a quantity")
    customer_key = mapped.meter.get("customer_key", "stripe_customer_id")
    payload = {customer_key: mapped.customer["customer"], mapped.meter.get("value_key", "value"): f"{draft.quantity:f}"}
    return {"event_name": mapped.meter["event_name"], "identifier": item_id, "payload": payload}


def held(http: Http, wanted: Wanted) -> Held | None:
    """Return what a meter of a customer adds up to between two whole minutes, by its event summaries.

    Stripe adds events up some time after it took them, and shows no sum below zero.
    """
    meter = _meter(http, wanted.meter["event_name"])
    if meter is None:
        return None
    query = {
        "customer": wanted.customer["customer"],
        "start_time": str(stripe.unix_s(wanted.start_ns)),
        "end_time": str(stripe.unix_s(wanted.end_ns)),
        "limit": _MOST,
    }
    rows = _rows(http.ask(Request("GET", f"{_METERS}/{meter}/event_summaries", query=query)))
    values = [row.get("aggregated_value") for row in rows or ()]
    numbers = [Decimal(value) for value in values if isinstance(value, int | Decimal)]
    return None if rows is None or len(numbers) < len(values) else Held(quantity=exact_sum(numbers))


def _meter(http: Http, event_name: str) -> str | None:
    rows = _rows(http.ask(Request("GET", _METERS, query={"status": "active", "limit": _MOST})))
    return next((at(row, "id") for row in rows or () if row.get("event_name") == event_name), None)


def _rows(answer: object) -> list[Mapping[str, Any]] | None:
    """Return the rows of a list that is complete."""
    if not isinstance(answer, Answer) or not answer.ok or not isinstance(answer.body, Mapping):
        return None
    return None if answer.body.get("has_more") else list(answer.body.get("data", ()))
