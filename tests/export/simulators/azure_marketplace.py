"""Azure's marketplace metering service, as its reference describes batch usage events."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.export.case import Case
from tests.export.simulators.simulator import Call, Receipt, Reply, Simulator, reply
from tollspan_rater.domain.clock import Clock, from_ns
from tollspan_rater.export.item import Item

CLIENT, SECRET, TENANT = "client-simulator", "secret-simulator", "tenant-simulator"
PLANS = {"resource-acme": "pro", "resource-beta": "pro"}
HOUR_S, DAY_S, BATCH, TOKEN_S = 3600, 24 * 3600, 25, 3600


class AzureMarketplace(Simulator):
    """Events count once by (resource, dimension, hour); a second one is told with the first."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.events: dict[tuple[str, str, int], dict[str, Any]] = {}
        self._tokens: dict[str, int] = {}
        self._ids = itertools.count(1)

    def handle(self, call: Call) -> Reply:
        url = urlsplit(call.url)
        if url.path == f"/{TENANT}/oauth2/token":
            return self._token(dict(parse_qsl(call.body.decode())))
        if self._tokens.get(call.headers.get("authorization", "").removeprefix("Bearer "), 0) <= self.now_s():
            return reply(403, {"error": {"code": "Forbidden", "message": "the token is not valid"}})
        query = dict(parse_qsl(url.query))
        if (call.method, url.path, query.get("api-version")) == ("GET", "/api/usageEvents", "2018-08-31"):
            return _reply(list(self._listed(query)))
        if (url.path, url.query) != ("/api/batchUsageEvent", "api-version=2018-08-31"):
            return reply(404, {"error": {"code": "NotFound", "message": "no such path"}})
        events = json.loads(call.body, parse_float=Decimal, parse_int=Decimal)["request"]
        if len(events) > BATCH:
            return reply(400, {"error": {"code": "BadArgument", "message": "more than 25 events"}})
        return _reply({"count": len(events), "result": [self._meter(event) for event in events]})

    def fail(self, call: Call, *, taken: bool) -> Reply:
        if taken:
            self.handle(call)
        return reply(500, {"error": {"code": "InternalServerError", "message": "try again"}})

    def busy(self, call: Call) -> Reply:
        return reply(429, {"error": {"code": "TooManyRequests", "message": "try again"}})

    def receipts(self) -> Sequence[Receipt]:
        return [
            Receipt("", resource, dimension, event["quantity"])
            for (resource, dimension, _hour), event in self.events.items()
        ]

    def knows(self, item: Item) -> bool:
        known = self.events.get(_key(item.element))
        return known is not None and known["quantity"] == Decimal(item.element["quantity"])

    def _listed(self, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """Yield a row for each day, resource, plan and dimension; what came today is not processed yet."""
        sums: dict[tuple[str, ...], list[Decimal]] = {}
        for event in self.events.values():
            if query["usageStartDate"] <= _day(event) <= query["usageEndDate"]:
                names = (_day(event), event["resourceId"], event["planId"], event["dimension"])
                sums.setdefault(names, []).append(event["quantity"])
        for (day, resource, plan, dimension), quantities in sums.items():
            new = day == from_ns(self.clock.now_ns()).date().isoformat()
            total = sum(quantities, Decimal(0))
            yield {
                "usageDate": f"{day}T00:00:00Z",
                "usageResourceId": resource,
                "dimension": dimension,
                "planId": plan,
                "offerId": "llm",
                "offerType": "SaaS",
                "reconStatus": "Submitted" if new else "Accepted",
                "submittedQuantity": total,
                "processedQuantity": Decimal(0) if new else total,
                "submittedCount": len(quantities),
            }

    def _token(self, form: Mapping[str, str]) -> Reply:
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            return reply(401, {"error": "invalid_client"})
        token = f"token-{self.now_s()}"
        self._tokens[token] = self.now_s() + TOKEN_S
        return reply(200, {"access_token": token, "token_type": "Bearer", "expires_in": str(TOKEN_S)})

    def _meter(self, event: Mapping[str, Any]) -> dict[str, Any]:
        at_s = int(datetime.fromisoformat(event["effectiveStartTime"]).timestamp())
        key = _key(event)
        if not self.now_s() - DAY_S <= at_s <= self.now_s():
            return {**event, "status": "Expired"}
        if PLANS.get(event["resourceId"]) != event["planId"]:
            return {**event, "status": "ResourceNotFound"}
        if not isinstance(event["quantity"], Decimal) or event["quantity"] <= 0:
            return {**event, "status": "InvalidQuantity"}
        if key in self.events:
            accepted = {"acceptedMessage": {**self.events[key], "status": "Duplicate"}}
            message = "This usage event already exist."
            return {
                **event,
                "status": "Duplicate",
                "error": {"code": "Conflict", "message": message, "additionalInfo": accepted},
            }
        self.events[key] = {**event, "usageEventId": f"event-{next(self._ids)}"}
        return {**self.events[key], "status": "Accepted"}


def _day(event: Mapping[str, Any]) -> str:
    return datetime.fromisoformat(event["effectiveStartTime"]).date().isoformat()


def _key(event: Mapping[str, Any]) -> tuple[str, str, int]:
    at_s = int(datetime.fromisoformat(event["effectiveStartTime"]).timestamp())
    return event["resourceId"], event["dimension"], at_s // HOUR_S


def _reply(body: Any) -> Reply:
    """Write quantities as numbers, as this service does."""
    text = json.dumps(body, default=lambda number: f"#{number:f}#").replace('"#', "").replace('#"', "")
    return Reply(200, {"content-type": "application/json"}, text.encode())


CASES = (
    Case(
        "azure-marketplace",
        AzureMarketplace,
        customers={
            "acme": {"resource": "resource-acme", "plan": "pro"},
            "beta": {"resource": "resource-beta", "plan": "pro"},
        },
        meters={"input": {"dimension": "input_tokens"}, "output": {"dimension": "output_tokens"}},
        secrets={"client_id": CLIENT, "client_secret": SECRET},
        options={"tenant": TENANT},
    ),
)
