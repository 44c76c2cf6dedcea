"""Recurly's usage interface, as its OpenAPI description and pages say: nothing keeps a record from coming twice."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from tests.export.case import Case
from tests.export.simulators.simulator import Call, Receipt, Reply, Simulator, reply
from tollspan_rater.domain.clock import Clock

KEY = "recurly_simulator"
SUBSCRIPTIONS = ("uuid-acme", "uuid-beta")
_FIELDS = {"merchant_tag", "amount", "recording_timestamp", "usage_timestamp"}


def error(status: int, kind: str, message: str) -> Reply:
    return reply(status, {"error": {"type": kind, "message": message, "params": []}})


class Recurly(Simulator):
    """Usage records of add-ons; a listing has the unbilled ones only, unless all are asked for."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.records: list[dict[str, Any]] = []
        self._ids = itertools.count(1)

    def handle(self, call: Call) -> Reply:
        if call.headers.get("authorization") != "Basic " + base64.b64encode(f"{KEY}:".encode()).decode():
            return error(401, "unauthorized", "No valid API key")
        if call.headers.get("accept") != "application/vnd.recurly.v2021-02-25":
            return error(406, "invalid_api_version", "no such version")
        url = urlsplit(call.url)
        subscription, add_on = _parts(url.path)
        if subscription not in SUBSCRIPTIONS:
            return error(404, "not_found", f"Couldn't find Subscription with id = {subscription}")
        if call.method == "POST":
            return self._create(subscription, add_on, json.loads(call.body, parse_float=Decimal, parse_int=Decimal))
        return self._list(url.path, subscription, add_on, dict(parse_qsl(url.query)))

    def fail(self, call: Call, *, taken: bool) -> Reply:
        if taken:
            self.handle(call)
        return error(500, "internal_server_error", "Recurly experienced an unexpected error")

    def busy(self, call: Call) -> Reply:
        return error(429, "rate_limited", "You have made too many API requests")

    def bill(self) -> None:
        """Bill what is there, as at the end of a billing period."""
        for one in self.records:
            one["billed_at"] = "2026-12-01T00:00:00Z"

    def receipts(self) -> Sequence[Receipt]:
        return [
            Receipt(one["merchant_tag"], one["on"][0], one["on"][1], Decimal(one["amount"])) for one in self.records
        ]

    def _create(self, subscription: str, add_on: str, body: dict[str, Any]) -> Reply:
        if set(body) - _FIELDS or not isinstance(body.get("amount"), Decimal):
            return error(422, "validation", "amount must be a number")
        record = {
            "id": f"usage{next(self._ids):06}",
            "object": "usage",
            "merchant_tag": body["merchant_tag"],
            "amount": f"{body['amount']:f}",
            "usage_timestamp": body["usage_timestamp"],
            "recording_timestamp": body["recording_timestamp"],
            "billed_at": None,
            "on": (subscription, add_on),
        }
        self.records.append(record)
        return _reply(201, _shown(record))

    def _list(self, path: str, subscription: str, add_on: str, query: dict[str, str]) -> Reply:
        first, last = (datetime.fromisoformat(query[name]) for name in ("begin_time", "end_time"))
        found = [
            one
            for one in self.records
            if one["on"] == (subscription, add_on)
            and first <= datetime.fromisoformat(one["usage_timestamp"]) <= last
            and (query.get("billing_status", "unbilled") == "all" or one["billed_at"] is None)
        ]
        start, most = int(query.get("cursor", "0")), int(query.get("limit", "20"))
        more = len(found) > start + most
        following = f"{path}?{urlencode({**query, 'cursor': start + most})}" if more else None
        page = [_shown(one) for one in found[start : start + most]]
        return _reply(200, {"object": "list", "has_more": more, "next": following, "data": page})


def _parts(path: str) -> tuple[str, str]:
    """Take subscription and add-on out of ``/subscriptions/S/add_ons/A/usage``."""
    _, _, subscription, _, add_on, _ = (unquote(part) for part in path.split("/"))
    return subscription, add_on


def _shown(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "on"}


def _reply(status: int, body: Any) -> Reply:
    """Write amounts as numbers, with all their digits."""
    text = json.dumps(body)
    for record in body.get("data", [body]):
        text = text.replace(f'"amount": "{record["amount"]}"', f'"amount": {record["amount"]}')
    return Reply(status, {"content-type": "application/json"}, text.encode())


CASES = (
    Case(
        "recurly-usage",
        Recurly,
        customers={"acme": {"subscription": "uuid-acme"}, "beta": {"subscription": "uuid-beta"}},
        meters={"input": {"add_on": "code-input"}, "output": {"add_on": "code-output"}},
        secrets={"key": KEY},
    ),
)
