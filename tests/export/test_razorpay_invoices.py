from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.export.answered import answering, sendings
from tests.export.case import cases
from tests.export.invoice import AMOUNTS, NOON_NS
from tests.export.network import Network
from tests.export.simulators.razorpay import Razorpay
from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.export.target import Absent, Accepted, Sight, Unclear
from tollspan_rater.export.targets.razorpay_invoices import target as razorpay

CASE = cases()["razorpay-invoices"]


def test_a_look_goes_through_all_pages_of_the_customers_invoices() -> None:
    clock = FixedClock(NOON_NS)
    simulator = Razorpay(clock)
    network = Network(simulator, clock)
    target = CASE.target(network, clock)
    drafts = [replace(AMOUNTS[0], component=f"line {number}") for number in range(200)]
    sent = sendings("razorpay-invoices", drafts)
    for sending in sent:
        target.send([sending])
    before = len(network.calls)
    assert target.look(sent[0]) == Accepted("inv_00000000000001")  # the newest come first
    assert len(network.calls) - before == 3  # the second page is full, so that there may be a third
    assert target.look(replace(sent[0], item_id="li_unknown")) == Absent()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [(200, {"items": []}, Absent()), (200, {"items": None}, Absent()), (500, {}, Unclear("HTTP 500: {}"))],
)
def test_what_a_look_sees(status: int, body: Any, expected: Sight) -> None:
    (sending,) = sendings("razorpay-invoices", AMOUNTS[:1])
    assert razorpay(answering(CASE, status, body)).look(sending) == expected
