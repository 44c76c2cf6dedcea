"""Zuora's usage records, as https://developer.zuora.com describes them: tokens, idempotency keys, object queries."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.export.case import Case
from tests.export.simulators.simulator import Call, Receipt, Reply, Simulator, reply
from tollspan_rater.domain.clock import Clock

CLIENT, SECRET = "9f2c1f6e-5d1b-4a0e-8c57-0d6a3b1e7c42", "secret-simulator"  # a client id has 36 characters
ACCOUNTS = {"A-acme": "S-acme", "A-beta": "S-beta"}
DAY_S, TOKEN_S, QUANTITY_LENGTH, DESCRIPTION_LENGTH, PAGE = 24 * 3600, 3600, 16, 200, 50
_FILTERS = {"description.EQ": "Description", "accountNumber.EQ": "AccountNumber"}


def refused(code: str, message: str) -> Reply:
    return reply(400, {"Success": False, "Errors": [{"Code": code, "Message": message}]})


class Zuora(Simulator):
    """Usage records and the idempotency layer before them, which keeps answers for a day."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.records: list[dict[str, Any]] = []
        self._kept: dict[str, tuple[int, Reply]] = {}
        self._tokens: dict[str, int] = {}
        self._ids = itertools.count(1)

    def handle(self, call: Call) -> Reply:
        url = urlsplit(call.url)
        if url.path == "/oauth/token":
            return self._token(dict(parse_qsl(call.body.decode())))
        token = call.headers.get("authorization", "").removeprefix("Bearer ")
        if self._tokens.get(token, 0) <= self.now_s():
            return reply(401, {"message": "Authentication error"})
        if url.path == "/object-query/usages":
            return self._query(dict(parse_qsl(url.query)))
        return self._once(call.headers.get("idempotency-key", ""), json.loads(call.body, parse_float=Decimal))

    def fail(self, call: Call, *, taken: bool) -> Reply:
        if taken:
            self.handle(call)
        return reply(500, {"Success": False, "Errors": [{"Code": "UNKNOWN_ERROR", "Message": "unexpected error"}]})

    def busy(self, call: Call) -> Reply:
        return reply(429, {"Success": False, "Errors": [{"Code": "REQUEST_EXCEEDED_LIMIT", "Message": "wait"}]})

    def receipts(self) -> Sequence[Receipt]:
        return [
            Receipt(one["Description"], one["AccountNumber"], one["UOM"], Decimal(one["Quantity"]))
            for one in self.records
        ]

    def _token(self, form: Mapping[str, str]) -> Reply:
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            return reply(401, {"error": "invalid_client"})
        token = f"token-{self.now_s()}"
        self._tokens[token] = self.now_s() + TOKEN_S
        return reply(200, {"access_token": token, "token_type": "bearer", "expires_in": TOKEN_S - 1})

    def _once(self, key: str, record: Mapping[str, Any]) -> Reply:
        at_s, kept = self._kept.get(key, (0, None))
        if key and kept is not None and self.now_s() - at_s < DAY_S:
            return kept
        answer = self._create(record)
        if key and answer.status == 200:
            self._kept[key] = (self.now_s(), answer)
        return answer

    def _create(self, record: Mapping[str, Any]) -> Reply:
        if ACCOUNTS.get(record["AccountNumber"]) != record.get("SubscriptionNumber"):
            return refused("INVALID_VALUE", "The account or subscription is invalid")
        quantity = record["Quantity"]
        if isinstance(quantity, str) or quantity < 0 or len(f"{quantity}") > QUANTITY_LENGTH:
            return refused("INVALID_VALUE", "The quantity must be a decimal of at least 0 in 16 characters")
        if len(record["Description"]) > DESCRIPTION_LENGTH:
            return refused("INVALID_VALUE", "The description is too long")
        self.records.append({**record, "Quantity": f"{quantity}", "Id": f"{next(self._ids):032x}"})
        return reply(200, {"Success": True, "Id": self.records[-1]["Id"]})

    def _query(self, query: Mapping[str, str]) -> Reply:
        name, _, value = query["filter[]"].partition(":")
        found = [one for one in self.records if one[_FILTERS[name]] == value]
        start = int(query.get("cursor", "0"))
        page = [
            {
                "id": one["Id"],
                "accountNumber": one["AccountNumber"],
                "uOM": one["UOM"],
                "quantity": float(one["Quantity"]),
                "startDateTime": one["StartDateTime"],
                "description": one["Description"],
            }
            for one in found[start : start + PAGE]
        ]
        more = {"nextPage": str(start + PAGE)} if len(found) > start + PAGE else {}
        return reply(200, {"data": page, **more})


CASES = (
    Case(
        "zuora-usage",
        Zuora,
        customers={
            "acme": {"account": "A-acme", "subscription": "S-acme"},
            "beta": {"account": "A-beta", "subscription": "S-beta"},
        },
        meters={"input": {"uom": "InputToken"}, "output": {"uom": "OutputToken"}},
        secrets={"client_id": CLIENT, "client_secret": SECRET},
    ),
)
