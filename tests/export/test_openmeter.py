from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import openmeter as official
import pytest
from corehttp.exceptions import HttpResponseError

from tests.export import answered
from tests.export.answered import total
from tests.export.case import cases
from tests.export.invoice import CORRECTION, DAY, NOON_NS, SECOND, USAGE
from tests.export.network import Network
from tests.export.serve import serving
from tests.export.simulators.openmeter import DEDUP_S, SETTLE_S, TOKEN, OpenMeter
from tests.export.spec import answer_of, faults, request_of
from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.export.target import (
    Absent,
    Accepted,
    NotTaken,
    Outcome,
    Refused,
    Sight,
    Unclear,
    Wanted,
)
from tollspan_rater.export.targets.openmeter import target as openmeter

CASE = cases()["openmeter"]
SPEC = "openmeter_pruned.json"
BATCH = request_of("/api/v1/events", kind="application/cloudevents-batch+json")
WANTED = Wanted(CASE.customers["acme"], CASE.meters["input"], DAY.start_ns, DAY.end_ns)
answering, sendings = partial(answered.answering, CASE), partial(answered.sendings, "openmeter")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (204, Accepted),
        (200, Unclear),  # a success has no content
        (400, Refused),
        (401, NotTaken),
        (404, NotTaken),
        (412, NotTaken),
        (500, Unclear),
        (503, Unclear),
    ],
)
def test_what_an_answer_means(status: int, expected: type[Outcome]) -> None:
    told = openmeter(answering(status, {"title": "t", "detail": "d"})).send(sendings(USAGE[:2]))
    assert [type(one) for one in told] == [expected] * 2


@pytest.mark.parametrize(
    ("status", "rows", "expected"),
    [
        (200, [{}], Accepted),
        (200, [{"validationError": "no meter found"}], Refused),
        (200, [{"id": "another"}], Absent),
        (200, [{"source": "another"}], Absent),
        (200, [], Absent),
        (200, None, Unclear),
        (500, [], Unclear),
    ],
)
def test_what_a_look_sees(status: int, rows: list[dict[str, Any]] | None, expected: type[Sight]) -> None:
    (sent,) = sendings(USAGE[:1])
    listed = None if rows is None else [{"event": {**sent.element, **row}, **row} for row in rows]
    assert type(openmeter(answering(status, listed)).look(sent)) is expected


def test_a_look_goes_back_to_the_time_of_the_event_however_long_ago() -> None:
    clock = FixedClock(NOON_NS)
    target = CASE.target(Network(OpenMeter(clock), clock), clock)
    (sent,) = sendings(USAGE[:1])
    target.send([sent])
    clock.set(NOON_NS + 40 * 86_400 * SECOND)
    assert target.look(sent) == Accepted(sent.item_id)


def test_the_same_event_counts_once_for_32_days_and_not_longer() -> None:
    clock = FixedClock(NOON_NS)
    simulator = OpenMeter(clock)
    target = CASE.target(Network(simulator, clock), clock)
    for passed_s in (0, 60, DEDUP_S - 61):
        clock.set(clock.now_ns() + passed_s * SECOND)
        target.send(sendings(USAGE))
    assert len(simulator.receipts()) == len(USAGE)
    clock.set(NOON_NS + DEDUP_S * SECOND)
    target.send(sendings(USAGE))
    assert len(simulator.receipts()) == 2 * len(USAGE)
    assert target.contract.dedup_s == DEDUP_S


def test_a_meter_says_what_it_holds() -> None:
    clock = FixedClock(NOON_NS)
    target = CASE.target(Network(OpenMeter(clock), clock), clock)
    target.send(sendings([*USAGE, CORRECTION]))
    assert total(target.held(WANTED)) == Decimal(0)  # its sink has stored nothing yet
    clock.set(NOON_NS + SETTLE_S * SECOND)
    assert total(target.held(WANTED)) == Decimal(4938271 + 8000)
    assert total(target.held(replace(WANTED, meter=CASE.meters["output"]))) == Decimal(403500 + 1200 - 500)
    assert total(target.held(replace(WANTED, end_ns=USAGE[2].service.start_ns))) == Decimal(4938271)
    assert isinstance(openmeter(answering(500)).held(WANTED), Unclear)


def test_dimensions_stand_beside_the_value_and_never_hide_it() -> None:
    draft = replace(USAGE[0], quantity=Decimal("1E+3"), dimensions=(("model", "gpt-5"), ("value", "a dimension")))
    (sent,) = sendings([draft])
    assert sent.element["data"] == {"model": "gpt-5", "value": "1000"}


def test_requests_and_simulated_answers_are_as_specified() -> None:
    clock = FixedClock(NOON_NS)
    simulator = OpenMeter(clock)
    network = Network(simulator, clock)
    target = CASE.target(network, clock)
    sent = sendings([*USAGE, CORRECTION])
    target.send(sent)
    assert faults(SPEC, *BATCH, body=json.loads(network.calls[0].body)) == []
    clock.set(NOON_NS + SETTLE_S * SECOND)
    target.look(sent[0])
    listed = json.loads(simulator.handle(network.calls[-1]).body)
    assert faults(SPEC, *answer_of("/api/v1/events", "get", 200), body=listed) == []
    problem = json.loads(simulator.fail(network.calls[-1], taken=False).body)
    place = answer_of("/api/v1/events", "post", 500, "application/problem+json")
    assert faults(SPEC, *place, body=problem) == []


def test_the_official_client_and_the_simulator_understand_each_other() -> None:
    clock = FixedClock(NOON_NS)
    simulator = OpenMeter(clock)
    events = [one.element for one in sendings(USAGE)]
    since, until = (datetime.fromtimestamp(at_ns / SECOND, UTC) for at_ns in (DAY.start_ns, DAY.end_ns))
    with serving(simulator) as url, official.Client(endpoint=url, token=TOKEN) as client:
        client.events.ingest_events(events)
        client.events.ingest_event(events[0])
        clock.set(NOON_NS + SETTLE_S * SECOND)
        (listed,) = client.events.list(id=events[0]["id"], from_parameter=since)
        asked = {"from_parameter": since, "to": until, "subject": ["customer-acme"]}
        summed = client.meters.query_json("tokens-in", **asked)
        with pytest.raises(HttpResponseError):
            client.events.ingest_event({**events[0], "subject": ""})
    assert dict(listed["event"]) == events[0]
    assert summed["data"][0]["value"] == 4938271 + 8000
