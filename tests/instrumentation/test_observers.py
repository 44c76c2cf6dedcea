"""Who hears of calls: in the context of the request, once, and without a way to break anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

import tollspan
from tollspan import observers
from tollspan.record import CallRecord


@pytest.fixture
def heard() -> Iterator[list[tuple[str, CallRecord]]]:
    found: list[tuple[str, CallRecord]] = []

    def observer() -> observers.Told:
        whose = str(tollspan.current().values.get("customer"))
        return lambda record: found.append((whose, record))

    observers.add(observer)
    observers.add(observer)
    yield found
    observers.remove(observer)
    observers.remove(observer)
    assert observer not in observers._observers


def call() -> None:
    openai.OpenAI(max_retries=1).chat.completions.create(
        model="gpt-5-mini!429-once", messages=[{"role": "user", "content": "x"}]
    )


def test_every_attempt_is_heard_of_once(metered: Any, heard: list[tuple[str, CallRecord]]) -> None:
    with tollspan.attribute(customer="acme"):
        call()
    assert [(whose, record.outcome) for whose, record in heard] == [("acme", "failed"), ("acme", "complete")]
    assert [record.identity.record_id for _, record in heard] == [
        span["tollspan.record.id"] for span in metered.collect()
    ]


def test_one_that_breaks_keeps_nothing_from_the_others(metered: Any, heard: list[tuple[str, CallRecord]]) -> None:
    def breaks_at_once() -> None:
        raise ValueError

    def breaks_later() -> observers.Told:
        return lambda _record: breaks_at_once()

    for observer in (breaks_at_once, breaks_later):
        observers.add(observer)
    call()
    for observer in (breaks_at_once, breaks_later):
        observers.remove(observer)
    assert len(heard) == len(metered.collect()) == 2
