"""A topic, and a reader of it that keeps what the target's page asks for: each key counts once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from tests.export.case import Case
from tests.export.simulators.simulator import Call, Receipt, Reply, Simulator, reply
from tollspan_rater.domain.clock import Clock
from tollspan_rater.export.contract import Contract
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import Target
from tollspan_rater.export.targets.kafka import AMOUNTS, USAGE, Kafka, NotConnectedError

TOPIC = "billing"


class Topic(Simulator):
    """Records as they were appended; requests stand for what a producer sends to a broker."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.records: list[tuple[str, Mapping[str, Any]]] = []

    def handle(self, call: Call) -> Reply:
        record = json.loads(call.body)
        self.records.append((record["key"], record["value"]))
        return reply(200, {"partition": 0, "offset": len(self.records) - 1})

    def receipts(self) -> Sequence[Receipt]:
        first = dict(reversed(self.records))
        return [_receipt(key, value) for key, value in first.items()]


def _receipt(key: str, event: Mapping[str, Any]) -> Receipt:
    data = event["data"]
    if event["type"] == "tollspan.usage":
        return Receipt(key, event["subject"], data["meter"], Decimal(data["quantity"]))
    return Receipt(key, event["subject"], amount=Decimal(data["amount"]), currency=data["currency"])


class RequestTimedOutError(Exception):
    """Named as the client's: nobody knows whether the brokers have it."""


@dataclass
class Place:
    partition: int
    offset: int


class Sent:
    """A record whose way is a request over a network with faults."""

    def __init__(self, send: Callable[[], httpx.Response]) -> None:
        self._send = send

    def get(self, timeout: float) -> Place:
        try:
            answer = self._send()
        except httpx.ConnectError as error:
            raise NotConnectedError(str(error)) from error
        except httpx.TransportError as error:
            raise RequestTimedOutError(str(error)) from error
        if answer.status_code != 200:
            raise RequestTimedOutError(answer.text)
        return Place(**answer.json())


class Producer:
    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._client = httpx.Client(transport=transport, trust_env=False)

    def send(self, topic: str, value: bytes, key: bytes, headers: list[tuple[str, bytes]]) -> Sent:
        record = {"key": key.decode(), "value": json.loads(value)}
        kind = {name: text.decode() for name, text in headers}
        return Sent(lambda: self._client.post(f"http://broker.test/{topic}", json=record, headers=kind))

    def close(self, timeout: float) -> None:
        self._client.close()


@dataclass(frozen=True)
class KafkaCase(Case):
    """A case whose producer goes over the network of the test."""

    contract: Contract = AMOUNTS

    def target(self, transport: httpx.BaseTransport, clock: Clock) -> Target:
        settings = Settings("test", httpx.Client(transport=transport, trust_env=False), clock, options=self.options)
        return Kafka(settings, self.contract, lambda: Producer(transport))


_OURS = {name: {"subject": name} for name in ("acme", "beta")}
_METERS = {"input": {"meter": "input"}, "output": {"meter": "output"}}
CASES = (
    KafkaCase("kafka", Topic, customers=_OURS, options={"topic": TOPIC}),
    KafkaCase("kafka-usage", Topic, customers=_OURS, meters=_METERS, options={"topic": TOPIC}, contract=USAGE),
)
