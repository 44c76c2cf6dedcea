from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import flexprice as official
import pytest

from tests.export import answered
from tests.export.answered import total
from tests.export.case import cases
from tests.export.invoice import CORRECTION, DAY, NOON_NS, SECOND, USAGE
from tests.export.network import Network
from tests.export.serve import serving
from tests.export.simulators.flexprice import KEY, SETTLE_S, Flexprice
from tests.export.spec import faults, request_of
from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.export.target import (
    Absent,
    Accepted,
    NotTaken,
    Outcome,
    Refused,
    Unclear,
    Wanted,
)
from tollspan_rater.export.targets.flexprice import target as flexprice

CASE = cases()["flexprice"]
SPEC = "flexprice_pruned.json"
WANTED = Wanted(CASE.customers["acme"], CASE.meters["input"], DAY.start_ns, DAY.end_ns)
answering, sendings = partial(answered.answering, CASE), partial(answered.sendings, "flexprice")


@pytest.mark.parametrize(
    ("status", "expected"),
    [(202, Accepted), (400, Refused), (401, NotTaken), (404, NotTaken), (429, NotTaken), (500, Unclear)],
)
def test_what_an_answer_means(status: int, expected: type[Outcome]) -> None:
    told = flexprice(answering(status, {"code": "validation_error", "message": "m"})).send(sendings(USAGE[:2]))
    assert [type(one) for one in told] == [expected] * 2


def test_a_look_finds_an_event_when_it_is_stored_and_not_before() -> None:
    clock = FixedClock(NOON_NS)
    target = CASE.target(Network(Flexprice(clock), clock), clock)
    sent, other = sendings(USAGE[:2])
    target.send([sent])
    assert target.look(sent) == Absent()
    clock.set(NOON_NS + 30 * 86_400 * SECOND)
    assert target.look(sent) == Accepted(sent.item_id)
    assert target.look(other) == Absent()
    assert target.contract.settle_s > SETTLE_S
    assert isinstance(flexprice(answering(500)).look(sent), Unclear)
    assert isinstance(flexprice(answering(200)).look(sent), Unclear)


def test_the_same_event_is_one_however_often_it_comes() -> None:
    clock = FixedClock(NOON_NS)
    simulator = Flexprice(clock)
    target = CASE.target(Network(simulator, clock), clock)
    for _ in range(3):
        target.send(sendings(USAGE))
        clock.set(clock.now_ns() + 100 * 86_400 * SECOND)
    assert len(simulator.receipts()) == len(USAGE)


def test_flexprice_says_what_it_holds_page_after_page() -> None:
    clock = FixedClock(NOON_NS)
    target = CASE.target(Network(Flexprice(clock), clock), clock)
    many = [replace(USAGE[0], quantity=Decimal(2), component=f"part {place}") for place in range(1_200)]
    sent = sendings([*many, USAGE[1], CORRECTION])
    target.send(sent[:1_000])
    target.send(sent[1_000:])
    clock.set(NOON_NS + SETTLE_S * SECOND)
    assert total(target.held(WANTED)) == Decimal(2_400)
    assert total(target.held(replace(WANTED, meter=CASE.meters["output"]))) == Decimal(403500 - 500)
    assert total(target.held(replace(WANTED, end_ns=DAY.start_ns + 1))) == Decimal(0)
    assert isinstance(flexprice(answering(500)).held(WANTED), Unclear)


def test_properties_are_texts_and_never_hide_the_quantity() -> None:
    draft = replace(USAGE[0], quantity=Decimal("0.5000"), dimensions=(("model", "gpt-5"), ("value", "a dimension")))
    (sent,) = sendings([draft])
    assert sent.element["properties"] == {"model": "gpt-5", "value": "0.5"}


def test_requests_are_as_specified() -> None:
    clock = FixedClock(NOON_NS)
    simulator = Flexprice(clock)
    network = Network(simulator, clock)
    CASE.target(network, clock).send(sendings([*USAGE, CORRECTION]))
    assert faults(SPEC, *request_of("/events/bulk"), body=json.loads(network.calls[0].body)) == []
    refused = simulator.handle(replace(network.calls[0], body=b'{"events":[]}'))
    assert refused.status == 400
    assert faults(SPEC, "components", "schemas", "errors.ErrorResponse", body=json.loads(refused.body)) == []


def test_the_official_client_and_the_simulator_understand_each_other() -> None:
    clock = FixedClock(NOON_NS)
    simulator = Flexprice(clock)
    events: list[Any] = [one.element for one in sendings(USAGE)]
    with serving(simulator) as url, official.Flexprice(server_url=f"{url}/v1", api_key_auth=KEY) as client:
        for _ in range(2):
            client.events.ingest_events_bulk(events=events)
        clock.set(NOON_NS + SETTLE_S * SECOND)
        since = datetime.fromtimestamp(DAY.start_ns / SECOND, UTC)
        listed = client.events.list_raw_events(external_customer_id="customer-acme", start_time=since, page_size=3)
    assert [one.id for one in listed.events or ()] == [event["event_id"] for event in events[:3]]
    assert (listed.total_count, listed.has_more) == (4, True)
    assert len(simulator.receipts()) == 4
