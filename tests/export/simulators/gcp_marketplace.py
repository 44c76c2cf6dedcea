"""Google's Service Control, as its reference describes check and report, and the metadata server's tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from tests.export.case import Case
from tests.export.simulators.simulator import Call, Receipt, Reply, Simulator, reply
from tollspan_rater.domain.clock import Clock

CONSUMERS = ("project:acme", "project:beta")
SERVICE, TOKEN_S, MOST_BYTES = "tokens.endpoints.simulator.cloud.goog", 1800, 1 << 20


class GcpMarketplace(Simulator):
    """Operations count once by their id."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.operations: dict[str, Mapping[str, Any]] = {}
        self._tokens: dict[str, int] = {}

    def handle(self, call: Call) -> Reply:
        path = urlsplit(call.url).path
        if path == "/computeMetadata/v1/instance/service-accounts/default/token":
            return self._token(call)
        if self._tokens.get(call.headers.get("authorization", "").removeprefix("Bearer "), 0) <= self.now_s():
            return _error(401, "UNAUTHENTICATED", "the token is not valid")
        if len(call.body) > MOST_BYTES:
            return _error(400, "INVALID_ARGUMENT", "the request is larger than 1 MB")
        body = json.loads(call.body)
        if path == f"/v1/services/{SERVICE}:check":
            known = body["operation"]["consumerId"] in CONSUMERS
            return reply(200, {} if known else {"checkErrors": [{"code": "NOT_FOUND", "detail": "no such consumer"}]})
        if path != f"/v1/services/{SERVICE}:report":
            return _error(404, "NOT_FOUND", "no such service")
        errors = [_fault(one) for one in body["operations"]]
        for one, why in zip(body["operations"], errors, strict=True):
            if not why:
                self.operations.setdefault(one["operationId"], one)
        failed = [
            {"operationId": one["operationId"], "status": {"code": 3, "message": why}}
            for one, why in zip(body["operations"], errors, strict=True)
            if why
        ]
        return reply(200, {"reportErrors": failed} if failed else {})

    def fail(self, call: Call, *, taken: bool) -> Reply:
        if taken:
            self.handle(call)
        return _error(503, "UNAVAILABLE", "try again")

    def busy(self, call: Call) -> Reply:
        return _error(429, "RESOURCE_EXHAUSTED", "quota exceeded")

    def receipts(self) -> Sequence[Receipt]:
        return [
            Receipt(
                one["labels"]["tollspan_item"], one["consumerId"], values["metricName"], Decimal(value["int64Value"])
            )
            for one in self.operations.values()
            for values in one["metricValueSets"]
            for value in values["metricValues"]
        ]

    def _token(self, call: Call) -> Reply:
        if call.headers.get("metadata-flavor") != "Google":
            return reply(403, {})
        token = f"token-{self.now_s()}"
        self._tokens[token] = self.now_s() + TOKEN_S
        return reply(200, {"access_token": token, "expires_in": TOKEN_S, "token_type": "Bearer"})


def _fault(operation: Mapping[str, Any]) -> str:
    values = [value for one in operation["metricValueSets"] for value in one["metricValues"]]
    if operation["endTime"] < operation["startTime"]:
        return "endTime is before startTime"
    return "" if all(value["int64Value"].isdigit() for value in values) else "int64Value is no whole number"


def _error(status: int, code: str, message: str) -> Reply:
    return reply(status, {"error": {"code": status, "status": code, "message": message}})


CASES = (
    Case(
        "gcp-marketplace",
        GcpMarketplace,
        customers={"acme": {"consumer": "project:acme"}, "beta": {"consumer": "project:beta"}},
        meters={"input": {"metric": "simulator/input"}, "output": {"metric": "simulator/output"}},
        options={"service": SERVICE},
    ),
)
