from __future__ import annotations

from typing import Any

import httpx
import pytest
from kafka import errors

from tests.export.case import cases
from tests.export.faults import item
from tests.export.invoice import AMOUNTS, NOON_NS
from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.errors import ConfigError
from tollspan_rater.export.settings import Settings
from tollspan_rater.export.target import Accepted, NotTaken, Outcome, Refused, Sending, Unclear
from tollspan_rater.export.targets import kafka

SETTINGS = Settings("bills", httpx.Client(), FixedClock(NOON_NS), url="127.0.0.1:1")


class Answering:
    """A producer that says the same of every record; ``at_once`` when it is given, else when it is asked for."""

    def __init__(self, said: Exception | None, *, at_once: bool = False) -> None:
        self._said, self._at_once = said, at_once
        self.records: list[Any] = []
        self.closed = 0

    def send(self, *record: Any) -> Answering:
        self.records.append(record)
        if self._at_once and self._said:
            raise self._said
        return self

    def get(self, _timeout: float) -> Answering:
        if self._said:
            raise self._said
        return self

    def close(self, _timeout: float) -> None:
        self.closed += 1

    partition, offset = 2, 7


def sent(producer: Answering) -> Outcome:
    made = kafka.Kafka(SETTINGS, kafka.AMOUNTS, lambda: producer)  # type: ignore[arg-type,return-value] # as much of one as is used
    one = item(cases()["kafka"], made, AMOUNTS[0], 0)
    (outcome,) = made.send([Sending(one.item_id, one.item_id, one.element)])
    return outcome


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (errors.MessageSizeTooLargeError("x"), Refused),
        (errors.InvalidTopicError("x"), Refused),
        (errors.TopicAuthorizationFailedError("x"), NotTaken),
        (errors.SaslAuthenticationFailedError("x"), NotTaken),
        (kafka.NotConnectedError("x"), NotTaken),
        (errors.KafkaTimeoutError("x"), Unclear),
        (errors.RequestTimedOutError("x"), Unclear),
        (errors.NotEnoughReplicasAfterAppendError("x"), Unclear),
        (errors.OutOfOrderSequenceNumberError("x"), Unclear),
        (OSError("x"), Unclear),
    ],
)
def test_what_an_error_means_and_that_the_producer_is_let_go(
    said: Exception, expected: type[Outcome], *, at_once: bool
) -> None:
    producer = Answering(said, at_once=at_once)
    assert isinstance(sent(producer), expected)
    assert producer.closed == 1


def test_a_record_has_the_items_id_as_its_key_and_says_that_it_is_an_event() -> None:
    producer = Answering(None)
    assert sent(producer) == Accepted("2-7")
    [(topic, value, key, headers)] = producer.records
    assert (topic, headers) == ("tollspan", [("content-type", b"application/cloudevents+json; charset=UTF-8")])
    assert key.startswith(b"li_")
    assert b'"amount":"12.35"' in value
    assert producer.closed == 0


def test_brokers_must_be_named() -> None:
    with pytest.raises(ConfigError, match=r"exports\.bills\.url"):
        kafka.target(Settings("bills", httpx.Client(), FixedClock(NOON_NS)))


def test_without_the_client_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match=r"tollspan-rater\[kafka\]"):
        kafka.target(SETTINGS)
