"""AWS Marketplace metering, as its API reference describes BatchMeterUsage: one value an hour, for good."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.export.case import Case
from tests.export.simulators.simulator import Call, Receipt, Reply, Simulator, reply
from tollspan_rater.domain.clock import Clock
from tollspan_rater.export.item import Item

KEY, SECRET, REGION = "AKIDSIMULATOR", "secret-simulator", "us-east-1"
LICENSES = {
    "111111111111": "arn:aws:license-manager::1:license:l-acme",
    "222222222222": "arn:aws:license-manager::1:license:l-beta",
}
HOUR_S, DAY_S, GRACE_S, BATCH = 3600, 24 * 3600, 6 * 3600, 25


def error(status: int, kind: str, message: str) -> Reply:
    return reply(status, {"__type": f"com.amazonaws.marketplace.metering#{kind}", "message": message})


class AwsMarketplace(Simulator):
    """Records count once by (account, licence, dimension, hour); another quantity for the same is a duplicate."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.records: dict[tuple[str, str, str, int], tuple[Decimal, str]] = {}
        self._ids = itertools.count(1)

    def handle(self, call: Call) -> Reply:
        if call.headers.get("authorization") != _signature(call):
            return error(400, "InvalidSignatureException", "The request signature we calculated does not match")
        records = json.loads(call.body)["UsageRecords"]
        if len(records) > BATCH:
            return error(400, "ValidationException", "too many records")
        if any(self._out_of_bounds(record["Timestamp"]) for record in records):
            return error(400, "TimestampOutOfBoundsException", "The timestamp value passed is out of allowed range")
        if any(Decimal(record["QuantityAsDecimal"]) < 0 for record in records):
            return error(400, "ValidationException", "QuantityAsDecimal")
        return reply(200, {"Results": [self._meter(record) for record in records], "UnprocessedRecords": []})

    def fail(self, call: Call, *, taken: bool) -> Reply:
        if taken:
            self.handle(call)
        return error(500, "InternalServiceErrorException", "An internal error has occurred")

    def busy(self, call: Call) -> Reply:
        return error(400, "ThrottlingException", "Rate exceeded")

    def partly(self, call: Call) -> Reply:
        before = set(self.records)
        answer = self.handle(call)
        results = json.loads(answer.body).get("Results", [])
        if answer.status != 200 or len(results) < 2:
            return answer
        left = results.pop()["UsageRecord"]
        if _key(left) not in before:
            self.records.pop(_key(left), None)
        return reply(200, {"Results": results, "UnprocessedRecords": [left]})

    def receipts(self) -> Sequence[Receipt]:
        return [
            Receipt("", account, dimension, quantity)
            for (account, _license, dimension, _hour), (quantity, _id) in self.records.items()
        ]

    def knows(self, item: Item) -> bool:
        quantity, _id = self.records.get(_key(item.element), (None, ""))
        return quantity == Decimal(item.element["QuantityAsDecimal"])

    def _out_of_bounds(self, at_s: int) -> bool:
        """Tell whether a time is older than a day, of last month and after the grace, or ahead."""
        now = datetime.fromtimestamp(self.now_s(), UTC)
        month_s = int(now.replace(day=1, hour=0, minute=0, second=0).timestamp())
        too_late = at_s < month_s and self.now_s() >= month_s + GRACE_S
        return too_late or not self.now_s() - DAY_S < at_s <= self.now_s()

    def _meter(self, record: Mapping[str, Any]) -> dict[str, Any]:
        if LICENSES.get(record["CustomerAWSAccountId"]) != record["LicenseArn"]:
            return {"UsageRecord": record, "Status": "CustomerNotSubscribed"}
        quantity = Decimal(record["QuantityAsDecimal"])
        known = self.records.setdefault(_key(record), (quantity, f"meter-{next(self._ids)}"))
        if known[0] != quantity:
            return {"UsageRecord": record, "Status": "DuplicateRecord"}
        return {"UsageRecord": record, "Status": "Success", "MeteringRecordId": known[1]}


def _key(record: Mapping[str, Any]) -> tuple[str, str, str, int]:
    names = (record["CustomerAWSAccountId"], record["LicenseArn"], record["Dimension"])
    return (*names, record["Timestamp"] // HOUR_S)


def _signature(call: Call) -> str:
    """Sign the request as botocore does, with the headers and the time that it names."""
    names = call.headers.get("authorization", "").partition("SignedHeaders=")[2].partition(",")[0].split(";")
    request = AWSRequest("POST", call.url, {name: call.headers.get(name, "") for name in names if name}, call.body)
    request.context["timestamp"] = call.headers.get("x-amz-date", "")
    signer = SigV4Auth(Credentials(KEY, SECRET), "aws-marketplace", REGION)
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    scope = signer.scope(request)
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={';'.join(names)}, Signature={signature}"


CASES = (
    Case(
        "aws-marketplace",
        AwsMarketplace,
        customers={
            name: {"account": account, "license": arn}
            for name, (account, arn) in zip(("acme", "beta"), LICENSES.items(), strict=True)
        },
        meters={"input": {"dimension": "input_tokens"}, "output": {"dimension": "output_tokens"}},
        secrets={"key_id": KEY, "key_secret": SECRET},
        options={"region": REGION},
    ),
)
