"""What both ways of handing usage to Stripe's meters share: an event, a meter's sum, what is taken back later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from tollspan_rater.domain.money import exact_sum
from tollspan_rater.export.contract import Contract, Needs
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.http import Http, Request
from tollspan_rater.export.over_http import OverHttp
from tollspan_rater.export.rules import at
from tollspan_rater.export.target import Held, Mapped, Refused, Unclear, Wanted
from tollspan_rater.export.targets import stripe, stripe_reports

NEEDS: Final = Needs(customer=("customer",), meter=("event_name",))
PAST_S: Final = 35 * stripe.DAY_S
FUTURE_S: Final = 5 * 60
_METERS: Final = "/v1/billing/meters"
_PAGE: Final = "100"


class Meters(OverHttp):
    """Stripe's meters; an event cannot be asked for, only what all of a customer come to."""

    def __init__(self, contract: Contract, http: Http, webhook_secret: str) -> None:
        super().__init__(contract, http)
        self._webhook_secret = webhook_secret

    def event(self, draft: Draft, item_id: str, mapped: Mapped) -> dict[str, Any]:
        """Return the words that every meter event has; its time is still to be added.

        A meter may read its customer and its value under other names: ``customer_key``, ``value_key`` in the mapping.

        Raises:
            UntellableError: the draft's quantity is unknown.
        """
        customer_key = mapped.meter.get("customer_key", "stripe_customer_id")
        value_key = mapped.meter.get("value_key", "value")
        payload = {customer_key: mapped.customer["customer"], value_key: self.quantity(draft)}
        return {"event_name": mapped.meter["event_name"], "identifier": item_id, "payload": payload}

    def held(self, wanted: Wanted) -> Held | Unclear:
        """Return what a meter of a customer adds up to between two whole minutes, by its event summaries.

        Stripe adds events up some time after it took them, and shows no sum below zero.
        """
        meter = self._meter(wanted.meter["event_name"])
        if isinstance(meter, Unclear):
            return meter
        query = {
            "customer": wanted.customer["customer"],
            "start_time": str(stripe.unix_s(wanted.start_ns)),
            "end_time": str(stripe.unix_s(wanted.end_ns)),
            "limit": _PAGE,
        }
        request = Request("GET", f"{_METERS}/{meter}/event_summaries", query=query)
        sums = self.rows(request, "data", stripe.following)
        if isinstance(sums, Unclear):
            return sums
        values = [row.get("aggregated_value") for row in sums]
        numbers = [Decimal(value) for value in values if isinstance(value, int | Decimal)]
        if len(numbers) < len(values):
            return Unclear(f"a sum of meter {meter} cannot be read")
        return Held(exact_sum(numbers))

    def rejections(self, headers: Mapping[str, str], body: bytes, now_ns: int) -> Iterable[tuple[str, Refused]]:
        """Return the items that an error report takes back.

        Raises:
            SignatureError: the report is not signed by Stripe, or too old.
            TargetSilentError: Stripe does not tell the report's content; it is to be delivered again.
        """
        stripe_reports.verify(self.contract.name, self._webhook_secret, headers, body, now_ns)
        return stripe_reports.rejections(self.contract.name, self.http, body)

    def _meter(self, event_name: str) -> str | Unclear:
        request = Request("GET", _METERS, query={"status": "active", "limit": _PAGE})
        meters = self.rows(request, "data", stripe.following)
        if isinstance(meters, Unclear):
            return meters
        absent = Unclear(f"there is no active meter of {event_name}")
        return next((at(row, "id") for row in meters if row.get("event_name") == event_name), absent)
