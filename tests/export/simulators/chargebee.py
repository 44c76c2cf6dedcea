"""Chargebee's usage interfaces, as https://apidocs.chargebee.com describes what they do."""

from __future__ import annotations

import base64
import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.export.case import Case
from tests.export.simulators.simulator import Call, Receipt, Reply, Simulator, reply
from tollspan_rater.domain.clock import Clock

KEY = "test_simulator"
SUBSCRIPTIONS = ("sub_acme", "sub_beta")
FEATURES = {"feature-input": "input_tokens", "feature-output": "output_tokens"}
WINDOW_S, BATCH, EVENT_BYTES, ID_LENGTH = 12 * 3600, 500, 1024, 36


def error(status: int, code: str, message: str, kind: str = "invalid_request", **more: Any) -> Reply:
    return reply(
        status,
        {"message": message, "type": kind, "api_error_code": code, "http_status_code": status, **more},
        {"retry-after": "5"} if status == 429 else None,
    )


class Chargebee(Simulator):
    """What both interfaces share: basic authentication and errors."""

    def handle(self, call: Call) -> Reply:
        wanted = "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()
        if call.headers.get("authorization") != wanted:
            return error(401, "api_authentication_failed", "Sorry, authentication failed")
        return self.answer(call, urlsplit(call.url).path.removeprefix("/api/v2"))

    @abstractmethod
    def answer(self, call: Call, path: str) -> Reply:
        """Answer a request that may be made."""

    def fail(self, call: Call, *, taken: bool) -> Reply:
        if taken:
            self.handle(call)
        return error(500, "internal_error", "Something went wrong", "api_error")

    def busy(self, call: Call) -> Reply:
        return error(429, "api_request_limit_exceeded", "Too many requests", "operation_failed")


class UsageEvents(Chargebee):
    """Events count once by (subscription, time, id); those out of the window or malformed are named as failed."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.events: dict[tuple[str, int, str], Mapping[str, Any]] = {}
        self._batches = 0

    def answer(self, call: Call, path: str) -> Reply:
        url = urlsplit(call.url)
        if (call.method, path.rpartition("/")[2]) == ("GET", "usage_summary"):
            return self._summary(path.split("/")[2], dict(parse_qsl(url.query)))
        if url.hostname not in {None, "simulator-test.ingest.chargebee.com"}:
            return error(404, "resource_not_found", "events are taken by the host for ingestion alone")
        if (call.method, path) == ("POST", "/usage_events"):
            event = json.loads(call.body)
            if why := self._refusal(event):
                return error(400, "invalid_request", why)
            self._take([event])
            return reply(200, {"usage_event": event})
        if (call.method, path) != ("POST", "/batch/usage_events"):
            return error(404, "resource_not_found", "no such path")
        events = json.loads(call.body)["events"]
        if len(events) > BATCH:
            return error(400, "invalid_request", f"more than {BATCH} events")
        refusals = [self._refusal(event) for event in events]
        self._take([event for event, why in zip(events, refusals, strict=True) if not why])
        failed = [
            {"deduplication_id": event.get("deduplication_id"), "error_code": "invalid", "error_message": why}
            for event, why in zip(events, refusals, strict=True)
            if why
        ]
        self._batches += 1
        return reply(200, {"batch_id": f"batch_{self._batches}", "failed_events": failed})

    def receipts(self) -> Sequence[Receipt]:
        return [
            Receipt(item_id, subscription, name, Decimal(value))
            for (subscription, _time, item_id), event in self.events.items()
            for name, value in event["properties"].items()
        ]

    def _summary(self, subscription: str, query: Mapping[str, str]) -> Reply:
        """Add up a feature from one instant to another, the second not included."""
        start, end = int(query["timeframe_start"]), int(query["timeframe_end"])
        values = [
            Decimal(event["properties"].get(FEATURES[query["feature_id"]], 0))
            for (of, at_ms, _), event in self.events.items()
            if of == subscription and start * 1000 <= at_ms < end * 1000
        ]
        summary = {
            "subscription_id": subscription,
            "feature_id": query["feature_id"],
            "aggregated_value": f"{sum(values, Decimal(0)):f}",
            "aggregated_from": start,
            "aggregated_to": end,
        }
        return reply(200, {"list": [{"usage_summary": summary}]})

    def _take(self, events: Sequence[Mapping[str, Any]]) -> None:
        for event in events:
            key = (event["subscription_id"], event["usage_timestamp"], event["deduplication_id"])
            self.events.setdefault(key, event)

    def _refusal(self, event: Mapping[str, Any]) -> str:
        age_s = self.now_s() - event["usage_timestamp"] / 1000
        findings = {
            "usage_timestamp is older than 12 hours": age_s > WINDOW_S,
            "usage_timestamp is in the future": age_s < 0,
            "no such subscription": event["subscription_id"] not in SUBSCRIPTIONS,
            "deduplication_id is too long": len(event["deduplication_id"]) > ID_LENGTH,
            "the event is larger than 1 KB": len(json.dumps(event)) > EVENT_BYTES,
            "unknown fields": set(event) != {"deduplication_id", "subscription_id", "usage_timestamp", "properties"},
        }
        return next((why for why, found in findings.items() if found), "")


class Usages(Chargebee):
    """Usage records with ids of the caller's; with ``dedupe_option=skip`` a known id changes nothing."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.usages: dict[str, dict[str, str]] = {}

    def answer(self, call: Call, path: str) -> Reply:
        query = dict(parse_qsl(urlsplit(call.url).query))
        if path == "/usages":
            return self._list(query)
        subscription = path.removeprefix("/subscriptions/").removesuffix("/usages")
        if subscription not in SUBSCRIPTIONS:
            return error(404, "resource_not_found", f"{subscription} not found")
        if call.method == "GET":
            known = self.usages.get(query["id"])
            return reply(200, {"usage": known}) if known else error(404, "resource_not_found", "usage not found")
        return self._create(subscription, dict(parse_qsl(call.body.decode())))

    def receipts(self) -> Sequence[Receipt]:
        return [
            Receipt(one["id"], one["subscription_id"], one["item_price_id"], Decimal(one["quantity"]))
            for one in self.usages.values()
        ]

    def _create(self, subscription: str, form: Mapping[str, str]) -> Reply:
        if Decimal(form["quantity"]) < 0:
            return error(400, "param_wrong_value", "quantity : should be positive")
        if form["id"] in self.usages:
            if form.get("dedupe_option") != "skip":
                return error(400, "duplicate_entry", f"{form['id']} is already present")
            return reply(200, {"usage": self.usages[form["id"]]})
        usage = {
            **{name: form[name] for name in ("id", "item_price_id", "quantity", "usage_date")},
            "subscription_id": subscription,
        }
        self.usages[form["id"]] = usage
        return reply(200, {"usage": usage})

    def _list(self, query: Mapping[str, str]) -> Reply:
        first, last = json.loads(query["usage_date[between]"])
        found = [
            one
            for one in self.usages.values()
            if one["subscription_id"] == query["subscription_id[is]"]
            and one["item_price_id"] == query["item_price_id[is]"]
            and first <= int(one["usage_date"]) <= last
        ]
        start, most = int(query.get("offset", "0")), int(query["limit"])
        more = {"next_offset": str(start + most)} if len(found) > start + most else {}
        return reply(200, {"list": [{"usage": one} for one in found[start : start + most]], **more})


_CUSTOMERS = {"acme": {"subscription": "sub_acme"}, "beta": {"subscription": "sub_beta"}}
CASES = (
    Case(
        "chargebee-usage-events",
        UsageEvents,
        customers=_CUSTOMERS,
        meters={
            "input": {"property": "input_tokens", "feature": "feature-input"},
            "output": {"property": "output_tokens", "feature": "feature-output"},
        },
        secrets={"key": KEY},
        options={"site": "simulator-test"},
    ),
    Case(
        "chargebee-usages",
        Usages,
        customers=_CUSTOMERS,
        meters={"input": {"item_price": "input-USD"}, "output": {"item_price": "output-USD"}},
        secrets={"key": KEY},
        options={"site": "simulator-test"},
    ),
)
