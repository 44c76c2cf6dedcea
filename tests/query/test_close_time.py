"""Closed time and the calendar: weeks, other zones and intervals later, months that nobody closed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from query.shop import Shop, card, plan
from tollspan_rater.errors import CloseRefusedError

CARD = card([{"input": "1"}], per="1")


@pytest.fixture
def dated(shop: Shop) -> Shop:
    """One unit costs 1; no fee; acme has plan pro since ever."""
    shop.price({"card.yaml": CARD, "pro.yaml": plan("pro"), "weekly.yaml": plan("weekly", every="week")})
    shop.customer("acme", plan="pro")
    return shop


def used(shop: Shop, *instants: str, customer: str = "acme") -> None:
    """Send a call of one unit at each instant."""
    shop.send(*(shop.call(instant, {"input": 1, "output": 0}, customer=customer) for instant in instants))


def amounts(shop: Shop, period: str) -> list[tuple[str, str, Decimal]]:
    rows = shop.ask("invoice", customer="acme", period=period).rows
    return [(str(row["kind"]), str(row["service_period"]), Decimal(str(row["amount"]))) for row in rows]


def holds(shop: Shop) -> bool:
    return [row["equation"] for row in shop.ask("audit").rows if not row["holds"]] == []


def closed(shop: Shop) -> list[Any]:
    return [row["period"] for row in shop.ask("statements.list").rows]


def test_all_weeks_that_begin_in_a_month_close_in_their_order(dated: Shop) -> None:
    dated.customer("acme", plan="weekly")
    used(dated, "2026-10-06T00:00:00Z", "2026-10-20T00:00:00Z", "2026-10-31T00:00:00Z")
    receipt = dated.close("2026-10", all=True)
    assert [said["period"] for said in receipt["periods"]] == ["2026-W41", "2026-W43", "2026-W44"]
    assert {said["state"] for said in receipt["periods"]} == {"closed"}
    assert closed(dated) == ["2026-W41", "2026-W43", "2026-W44"]
    assert holds(dated)


def test_late_usage_of_a_week_that_nobody_closed_is_adjusted_too(dated: Shop) -> None:
    dated.customer("acme", plan="weekly")
    used(dated, "2026-10-06T00:00:00Z", "2026-10-20T00:00:00Z")
    dated.close("2026-10", all=True)
    used(dated, "2026-10-13T00:00:00Z", "2026-08-04T00:00:00Z")
    assert amounts(dated, "2026-W44") == [("adjustment", "2026-W32", Decimal("1.00")),
                                          ("adjustment", "2026-W42", Decimal("1.00"))]  # fmt: skip
    dated.close("2026-W44", customer="acme")
    assert amounts(dated, "2026-W45") == []
    assert holds(dated)


@pytest.mark.parametrize(
    ("before", "after", "bills"),
    [
        # Berlin's October ends at 23:00 UTC, New York's at 04:00: what lies between is a period of its own.
        ("Europe/Berlin", "America/New_York", {"2026-10-31": 1, "2026-11": 1}),
        # New York's October ends at 04:00 UTC: Berlin's November begins there for this customer.
        ("America/New_York", "Europe/Berlin", {"2026-11-01": 1}),
    ],
)
def test_another_zone_after_a_close_bills_every_instant_once(
    dated: Shop, before: str, after: str, bills: dict[str, int]
) -> None:
    dated.customer("acme", zone=before)
    used(dated, "2026-10-31T12:00:00Z", "2026-11-01T01:00:00Z", "2026-11-01T12:00:00Z")
    dated.close("2026-10", customer="acme")
    first = amounts(dated, "2026-10")
    dated.customer("acme", zone=after)
    assert amounts(dated, "2026-10") == first
    for label, amount in bills.items():
        assert amounts(dated, label) == [("usage", label, Decimal(amount))]
        dated.close(label, customer="acme")
    assert sum(Decimal(str(row["amount"])) for row in dated.ask("statements.list").rows) == 3
    assert holds(dated)


def test_another_interval_after_a_close_keeps_what_was_closed(dated: Shop) -> None:
    used(dated, "2026-10-06T00:00:00Z", "2026-11-02T00:00:00Z")
    dated.close("2026-10", customer="acme")
    dated.customer("acme", plan="weekly")  # since ever
    assert amounts(dated, "2026-10") == [("usage", "2026-10", Decimal("1.00"))]
    assert amounts(dated, "2026-W45") == [("usage", "2026-W45", Decimal("1.00"))]
    pending = amounts(dated, "2026-11-01")
    assert sorted(pending) == [("adjustment", "2026-10", Decimal("-1.00")), ("adjustment", "2026-10", Decimal("1.00"))]
    dated.close("2026-11", all=True)
    assert holds(dated)


def test_a_period_replaced_by_others_is_reversed(dated: Shop) -> None:
    """August was never closed, late usage of it was booked by month; then the customer is billed by week."""
    used(dated, "2026-10-06T00:00:00Z")
    dated.close("2026-10", customer="acme")
    used(dated, "2026-08-04T00:00:00Z")
    dated.close("2026-11", customer="acme")
    assert amounts(dated, "2026-11") == [("adjustment", "2026-08", Decimal("1.00"))]
    dated.customer("acme", plan="weekly")
    assert sorted(amounts(dated, "2026-12-01")) == [
        ("adjustment", "2026-08", Decimal("-1.00")),
        ("adjustment", "2026-10", Decimal("-1.00")),
        ("adjustment", "2026-10", Decimal("1.00")),
        ("adjustment", "2026-W32", Decimal("1.00")),
    ]
    assert holds(dated)


def test_tenants_are_apart(dated: Shop, open_shop: Callable[[], Shop]) -> None:
    other = open_shop()
    other.price({"card.yaml": CARD, "pro.yaml": plan("pro")})
    other.customer("acme", plan="pro")
    for shop in (dated, other):
        used(shop, "2026-10-06T00:00:00Z")
    dated.close("2026-10", customer="acme")
    assert (closed(dated), closed(other)) == (["2026-10"], [])
    assert other.ask("ledger").rows == []
    assert other.ask("invoice", customer="acme", period="2026-10").details["acme"]["state"] == "draft"  # type: ignore[index]
    used(other, "2026-10-07T00:00:00Z")
    assert amounts(dated, "2026-11") == []
    other.close("2026-10", customer="acme")
    lines = {str(row["line_id"]) for shop in (dated, other) for row in shop.ask("ledger").rows}
    assert len(lines) == 2
    assert holds(dated)
    assert holds(other)


def test_a_copy_of_what_was_closed_changes_nothing(dated: Shop) -> None:
    call = dated.call("2026-10-06T00:00:00Z", {"input": 1, "output": 0}, customer="acme")
    dated.send(call)
    dated.close("2026-10", customer="acme")
    dated.send(call, call)
    assert amounts(dated, "2026-11") == []


def test_a_late_attempt_changes_the_decision_on_an_earlier_one(dated: Shop) -> None:
    """A call of October becomes a retried attempt by one that comes in November: it is no longer charged."""
    first = dated.call("2026-10-31T23:59:58Z", {"input": 5, "output": 0}, customer="acme", attempt=1)
    dated.send(first)
    dated.close("2026-10", customer="acme")
    record = first.identity.record_id
    again = dated.call("2026-11-01T00:00:01Z", {"input": 5, "output": 0}, customer="acme", attempt=2, retry_of=record)
    dated.send(again)
    assert amounts(dated, "2026-11") == [
        ("usage", "2026-11", Decimal("5.00")),
        ("adjustment", "2026-10", Decimal("-5.00")),
    ]
    assert holds(dated)


def test_a_period_that_is_not_one_of_the_customers(dated: Shop) -> None:
    with pytest.raises(CloseRefusedError, match="acme has no such period"):
        dated.close("2026-W41", customer="acme")
