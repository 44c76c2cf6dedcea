"""A receiver of signed CloudEvents that keeps what the webhook's page asks of it: check, then count an id once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from standardwebhooks import Webhook

from tests.export.case import Case
from tests.export.simulators.simulator import Call, Receipt, Reply, Simulator, reply
from tollspan_rater.domain.clock import Clock

SECRET: Final = "whsec_dG9sbHNwYW4tdGVzdC1zZWNyZXQtMzItYnl0ZXMh"
URL: Final = "http://receiver.test/events"
TOLERANCE_S: Final = 300


class Receiver(Simulator):
    """Checks signatures with the official library; events of ``unwanted`` subjects are answered 422."""

    unwanted: frozenset[str] = frozenset()

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.events: dict[str, Mapping[str, Any]] = {}
        self.deliveries = 0

    def handle(self, call: Call) -> Reply:
        if not self._genuine(call):
            return reply(401, {"message": "wrong signature"})
        document = json.loads(call.body)
        batch = call.headers["content-type"] == "application/cloudevents-batch+json"
        events = document if batch else [document]
        if any(event["subject"] in self.unwanted for event in events):
            return reply(422, {"message": "no such customer here"})
        self.deliveries += len(events)
        for event in events:
            self.events.setdefault(event["id"], event)
        return Reply(202)

    def receipts(self) -> Sequence[Receipt]:
        return [_receipt(event) for event in self.events.values()]

    def _genuine(self, call: Call) -> bool:
        at_s = int(call.headers.get("webhook-timestamp", "0"))
        if abs(self.now_s() - at_s) > TOLERANCE_S:
            return False
        at = datetime.fromtimestamp(at_s, UTC)
        signature = Webhook(SECRET).sign(call.headers.get("webhook-id", ""), at, call.body.decode())
        return call.headers.get("webhook-signature") == signature


def _receipt(event: Mapping[str, Any]) -> Receipt:
    data = event["data"]
    if event["type"] == "tollspan.usage":
        return Receipt(event["id"], event["subject"], data["meter"], Decimal(data["quantity"]))
    return Receipt(event["id"], event["subject"], amount=Decimal(data["amount"]), currency=data["currency"])


_CUSTOMERS: Final = {name: {"subject": f"customer-{name}"} for name in ("acme", "beta")}
_METERS: Final = {name: {"meter": name} for name in ("input", "output", "base_fee", "minimum")}
CASES = (
    Case("webhook", Receiver, _CUSTOMERS, _METERS, {"key": SECRET}, url=URL),
    Case("webhook-usage", Receiver, _CUSTOMERS, _METERS, {"key": SECRET}, url=URL),
)
