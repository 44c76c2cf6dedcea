"""Closing periods: what is booked, what comes later, by hand."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest
from query.shop import Shop, card, plan

PRICES = {"card.yaml": card([{"input": "2", "output": "8"}], per="1M"), "plan.yaml": plan("pro", base_fee="49")}


@pytest.fixture
def closed(shop: Shop) -> Shop:
    """October 2026: 1,000,500 input at 2 and 300 output at 8 a million, base fee 49; closed in December."""
    shop.price(PRICES)
    shop.customer("acme", plan="pro")
    shop.send(shop.call("2026-10-03T10:00:00Z", {"input": 1_000_500, "output": 300}, customer="acme"))
    shop.close("2026-10", customer="acme")
    return shop


def bill(shop: Shop, period: str, customer: str = "acme") -> list[tuple[Any, ...]]:
    rows = shop.ask("invoice", customer=customer, period=period).rows
    return [(row["kind"], row["meter"], row["quantity"], row["amount"], row["service_period"]) for row in rows]


def test_a_late_event(closed: Shop) -> None:
    before = bill(closed, "2026-10")
    print(before)
    closed.send(closed.call("2026-10-31T23:59:59Z", {"input": 2_500, "output": 0}, customer="acme"))
    assert bill(closed, "2026-10") == before
    answer = closed.ask("invoice", customer="acme", period="2026-11")
    for n in answer.notes: print(n)
    for r in answer.rows: print(r)
    print(closed.ask("invoice", customer="acme", period="2026-10").notes)
    closed.close("2026-11", customer="acme")
    print(closed.ask("statements.list").rows)
    print(closed.ask("ledger", balances="true").rows)
    print([r for r in closed.ask("audit").rows if not r["holds"]])
    assert 0
