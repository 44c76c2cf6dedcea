"""AWS Marketplace metering: one value an hour for each customer and dimension, for good.

What becomes known later is told in the hour that is open then. Records name the licence, never the product: both in
one hour would be billed twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from tollspan_rater.domain.clock import Clock
from tollspan_rater.export.aws_signature import AwsKey, signed
from tollspan_rater.export.contract import Contract, Needs
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.http import Answer, Http, Request
from tollspan_rater.export.over_http import Asks, OverHttp
from tollspan_rater.export.rules import Rule, at, objects, outcome
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import (
    Accepted,
    Element,
    Mapped,
    NotTaken,
    Outcome,
    Refused,
    Sending,
    Unclear,
)

CONTRACT: Final = Contract(
    name="aws-marketplace",
    takes="usage",
    source="https://docs.aws.amazon.com/marketplace/latest/APIReference/API_marketplace-metering_BatchMeterUsage.html",
    batch=25,
    all_or_nothing=True,  # one bad time or dimension refuses the request
    per_second=10,
    dedup_s=12 * 3600,  # the same record again changes nothing as long as its time is taken, which is 24 hours
    looks=False,
    past_s=6 * 3600,  # 24 hours, but last month's only until 06:00 UTC of the first: six hours are right on any day
    future_s=0,
    bucket="hour",
    once=True,
    late="next",
    negative="carried",
    digits=6,
    needs=Needs(customer=("account", "license"), meter=("dimension",)),
)
URL: Final = "https://metering.marketplace.{region}.amazonaws.com"
_ACTION: Final = "AWSMPMeteringService.BatchMeterUsage"
_SECOND: Final = 1_000_000_000
_RULES: Final = (
    Rule(400, "not_taken", "ThrottlingException"),
    Rule(400, "not_taken", "ExpiredTokenException"),
    Rule(400, "not_taken", "UnrecognizedClientException"),
    Rule(400, "not_taken", "InvalidSignatureException"),
    Rule(400, "not_taken", "AccessDeniedException"),
)
_KEY: Final = ("CustomerAWSAccountId", "LicenseArn", "Dimension", "Timestamp")


def target(settings: Settings) -> Metering:
    """Make the target; option ``region``, secrets ``key_id``, ``key_secret`` and, with temporary keys, ``session``."""
    region = settings.options.get("region", "us-east-1")
    url = settings.url or URL.format(region=region)
    key = AwsKey(
        settings.secret("key_id"),
        settings.secret("key_secret"),
        "aws-marketplace",
        region,
        settings.secrets.get("session", ""),
    )
    return Metering(CONTRACT, Http(settings.client, url, settings.clock), urlsplit(url).netloc, key, settings.clock)


class Metering(OverHttp):
    """Hands over usage with BatchMeterUsage."""

    def __init__(self, contract: Contract, http: Asks, host: str, key: AwsKey, clock: Clock) -> None:
        super().__init__(contract, http)
        self._host, self._key, self._clock = host, key, clock

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Return a usage record; its key is customer, licence, dimension and hour, ours is not kept there.

        Raises:
            UntellableError: the draft's quantity is unknown.
        """
        return {
            "Timestamp": stamp_ns // _SECOND,
            "CustomerAWSAccountId": mapped.customer["account"],
            "LicenseArn": mapped.customer["license"],
            "Dimension": mapped.meter["dimension"],
            "QuantityAsDecimal": self.quantity(draft),
        }

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        """Meter a batch; AWS answers for each record, in an order of its own."""
        body = orjson.dumps({"UsageRecords": [dict(one.element) for one in sendings]})
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": _ACTION}
        headers = signed(self._key, self._host, headers, body, self._clock.now_ns())
        answer = self.http.ask(Request("POST", "/", content=body, headers=headers))
        if not isinstance(answer, Answer) or not answer.ok:
            return [outcome(answer, _RULES, _said)] * len(sendings)
        results, left = (objects(answer.body, name) for name in ("Results", "UnprocessedRecords"))
        told = {_key(one.get("UsageRecord")): _outcome(one) for one in results}
        again = {_key(one): NotTaken("AWS did not process it") for one in left}
        silent = Unclear("AWS does not mention it in its answer")
        return [{**again, **told}.get(_key(one.element), silent) for one in sendings]


def _key(record: Any) -> tuple[str, ...]:
    """Return what tells a record from others; nothing of one that is none."""
    *names, at_s = (record.get(name) for name in _KEY) if isinstance(record, Mapping) else (None,)
    return (*map(str, names), str(int(at_s))) if isinstance(at_s, int | Decimal) else ()


def _outcome(result: Mapping[str, Any]) -> Outcome:
    status = at(result, "Status")
    if status == "Success":
        return Accepted(at(result, "MeteringRecordId"))
    words = {
        "DuplicateRecord": "another quantity was metered for this customer, dimension and hour before",
        "CustomerNotSubscribed": "the account has no agreement for this product",
    }
    return Refused(status, f"{status}: {words.get(status, 'AWS did not honour the record')}")


def _said(answer: Answer) -> tuple[str, str]:
    return at(answer.body, "__type").rpartition("#")[2], at(answer.body, "message") or at(answer.body, "Message")
