"""Kafka: each thing handed over is a record of one topic, a CloudEvent under the item's id as its key.

A record may come again, by our sending it again or by the producer itself; whoever reads the topic counts each key
once, or lets the topic be compacted. The client is an extra: ``pip install 'tollspan-rater[kafka]'``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, Final, Protocol

from tollspan_rater.errors import ConfigError
from tollspan_rater.export.contract import Contract
from tollspan_rater.export.draft import Draft
from tollspan_rater.export.event import event
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import (
    Accepted,
    Element,
    Held,
    Mapped,
    NotTaken,
    Outcome,
    Refused,
    Sending,
    Sight,
    Unclear,
    Wanted,
)

AMOUNTS: Final = Contract(
    name="kafka",
    takes="amount",
    source="https://kafka.apache.org/documentation/#producerconfigs; CloudEvents 1.0, Kafka protocol binding",
    batch=500,
    looks=False,
    bucket="hour",
    bills=False,
)
USAGE: Final = replace(AMOUNTS, name="kafka-usage", takes="usage")
TIMEOUT_S: Final = 30
_HEADERS: Final = [("content-type", b"application/cloudevents+json; charset=UTF-8")]

# What the client's errors mean, by the name of a class or of one that it is made from; all others say nothing.
_REFUSED: Final = frozenset({
    "MessageSizeTooLargeError", "RecordListTooLargeError", "InvalidRecordError", "InvalidTopicError",
    "InvalidTimestampError", "PolicyViolationError", "UnsupportedForMessageFormatError",
})  # fmt: skip
_NOT_TAKEN: Final = frozenset({
    "AuthorizationError", "SaslAuthenticationFailedError", "UnsupportedSaslMechanismError", "KafkaConfigurationError",
    "NotConnectedError",
})  # fmt: skip


class NotConnectedError(Exception):
    """No broker could be reached, so nothing has left."""


class Sent(Protocol):
    """A record on its way."""

    def get(self, timeout: float) -> Any:
        """Wait until the brokers have it, and return where; raise what became of it otherwise."""
        ...


class Producer(Protocol):
    """What is needed of a Kafka client's producer."""

    def send(self, topic: str, value: bytes, key: bytes, headers: list[tuple[str, bytes]]) -> Sent:
        """Put a record on its way."""
        ...

    def close(self, timeout: float) -> None:
        """End the connections."""
        ...


class Kafka:
    """Writes records to the topic of the option ``topic`` at the brokers of ``url``."""

    def __init__(self, settings: Settings, contract: Contract, connect: Callable[[], Producer]) -> None:
        self.contract = contract
        self._topic = settings.options.get("topic", "tollspan")
        self._source = settings.options.get("source", "tollspan")
        self._connect = connect
        self._producer: Producer | None = None

    def element(self, draft: Draft, item_id: str, stamp_ns: int, mapped: Mapped) -> Element:
        """Make an event that says all that a draft says; ``subject`` is the mapped name of the customer or ours."""
        return event(draft, item_id, stamp_ns, source=self._source, subject=mapped.customer.get("subject"))

    def send(self, sendings: Sequence[Sending]) -> Sequence[Outcome]:
        """Send a batch, and wait until all replicas that keep up have each record."""
        try:
            producer = self._producer = self._producer or self._connect()
            sent = [
                producer.send(self._topic, json.dumps(one.element, separators=(",", ":")).encode(),
                              one.item_id.encode(), _HEADERS)
                for one in sendings
            ]  # fmt: skip
        except Exception as error:  # noqa: BLE001 - the client raises errors of many modules; each says what it means
            self._let_go()
            return [_meaning(error)] * len(sendings)
        outcomes = [_outcome(one) for one in sent]
        if not all(isinstance(outcome, Accepted) for outcome in outcomes):
            self._let_go()
        return outcomes

    def look(self, sending: Sending) -> Sight:
        """Say that a topic is not searched; it need not be, for a key counts once for ever."""
        return Unclear("a topic is not searched")

    def held(self, wanted: Wanted) -> Held | None:
        """Say nothing: what a topic holds depends on who reads it."""
        return None

    def close(self) -> None:
        """End the connections."""
        self._let_go()

    def _let_go(self) -> None:
        """Begin anew with the next batch: a producer that has failed once may refuse for ever."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close(0)


def target(settings: Settings) -> Kafka:
    """Make the target that hands rated lines over; ``url`` is ``HOST:PORT``, several with commas."""
    return Kafka(settings, AMOUNTS, connecting(settings))


def usage(settings: Settings) -> Kafka:
    """Make the target that hands usage over."""
    return Kafka(settings, USAGE, connecting(settings))


def connecting(settings: Settings) -> Callable[[], Producer]:
    """Return how a producer is made; it is made when something is to be sent.

    Secrets: ``username`` and ``password`` for SASL. Options: ``security_protocol``, ``sasl_mechanism``, ``ca_file``.

    Raises:
        ConfigError: the client is not installed, or no brokers are named.
    """
    where = f"exports.{settings.name}"
    if find_spec("kafka") is None:
        raise ConfigError(f"{where}.target", "kafka", "tollspan.yaml", "pip install 'tollspan-rater[kafka]'")
    if not settings.url:
        raise ConfigError(f"{where}.url", None, "tollspan.yaml", "name the brokers as HOST:PORT, with commas")
    options, secrets = settings.options, settings.secrets
    sasl = {
        "sasl_mechanism": options.get("sasl_mechanism", "PLAIN"),
        "sasl_plain_username": secrets.get("username"),
        "sasl_plain_password": secrets.get("password"),
    }
    asked = {
        "bootstrap_servers": settings.url.split(","),
        "acks": "all",
        "enable_idempotence": True,
        "delivery_timeout_ms": TIMEOUT_S * 1000,
        "request_timeout_ms": TIMEOUT_S * 1000 // 2,
        "max_block_ms": TIMEOUT_S * 1000 // 3,
        "bootstrap_timeout_ms": TIMEOUT_S * 1000 // 3,
        "security_protocol": options.get("security_protocol", "PLAINTEXT"),
        "ssl_cafile": options.get("ca_file"),
        **(sasl if "username" in secrets else {}),
    }

    def connect() -> Producer:
        from kafka import KafkaProducer  # noqa: PLC0415 - an extra, which only this target needs
        from kafka.errors import KafkaTimeoutError  # noqa: PLC0415 - as above

        try:
            producer: Producer = KafkaProducer(**asked)
        except KafkaTimeoutError as error:
            raise NotConnectedError(str(error)) from error
        return producer

    return connect


def _outcome(sent: Sent) -> Outcome:
    try:
        place = sent.get(TIMEOUT_S)
    except Exception as error:  # noqa: BLE001 - as above
        return _meaning(error)
    return Accepted(f"{place.partition}-{place.offset}")


def _meaning(error: Exception) -> Outcome:
    name, names = type(error).__name__, {of.__name__ for of in type(error).__mro__}
    why = f"{name}: {error}"[:300]
    if names & _REFUSED:
        return Refused(name, why)
    return NotTaken(why) if names & _NOT_TAKEN else Unclear(why)
