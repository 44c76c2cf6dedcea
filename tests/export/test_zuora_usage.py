from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.export.answered import sendings, total
from tests.export.case import cases
from tests.export.invoice import DAY, NOON_NS, USAGE
from tests.export.network import Network
from tests.export.simulators.zuora import Zuora
from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.export.target import Absent, Accepted, Target, Wanted

CASE = cases()["zuora-usage"]
WANTED = Wanted(CASE.customers["acme"], CASE.meters["input"], DAY.start_ns, DAY.end_ns)


def rig() -> tuple[Zuora, Target]:
    clock = FixedClock(NOON_NS)
    simulator = Zuora(clock)
    return simulator, CASE.target(Network(simulator, clock), clock)


def listing(**record: Any) -> Target:
    """Return a target that is told of one record, as another client or Zuora's own pages made it."""
    told = {"uOM": "InputToken", "quantity": 12, "startDateTime": "2026-11-30T10:00:00Z", **record}

    def handler(request: httpx.Request) -> httpx.Response:
        token = {"access_token": "t", "expires_in": 3600}
        return httpx.Response(200, json=token if request.url.path == "/oauth/token" else {"data": [told]})

    return CASE.target(httpx.MockTransport(handler), FixedClock(NOON_NS))


@pytest.mark.parametrize(
    ("started", "expected"),
    [
        ("2026-11-30T00:00:00.000+00:00", 12),
        ("2026-11-30T00:00:00Z", 12),
        ("2026-11-29T16:00:00-08:00", 12),  # the same instant in Zuora's own zone
        ("2026-11-30T23:59:59.999-08:00", 0),
        ("2026-11-30T01:00:00+02:00", 0),
        ("2026-12-01T00:00:00Z", 0),
        ("30.11.2026", None),
        ("2026-11-30T10:00:00", None),  # without a zone it names no instant
        (None, None),
    ],
)
def test_a_record_counts_at_its_instant_whatever_its_zone(started: str | None, expected: int | None) -> None:
    assert total(listing(startDateTime=started).held(WANTED)) == expected


def test_what_an_account_holds_of_a_unit_is_added_up_over_all_pages() -> None:
    _, target = rig()
    drafts = [replace(USAGE[0], component=f"c{number}", quantity=Decimal(1)) for number in range(120)]
    target.send(sendings("zuora-usage", [*drafts, USAGE[1]]))
    assert total(target.held(WANTED)) == Decimal(120)


def test_another_record_is_not_the_one_that_was_asked_for() -> None:
    (sending,) = sendings("zuora-usage", USAGE[:1])
    assert listing(id="1", description="another").look(sending) == Absent()
    assert listing(id="1", description=sending.item_id).look(sending) == Accepted("1")


def test_a_record_is_found_by_its_description() -> None:
    simulator, target = rig()
    (sending,) = sendings("zuora-usage", USAGE[:1])
    assert target.look(sending) == Absent()
    target.send([sending])
    assert target.look(sending) == Accepted(simulator.records[0]["Id"])
