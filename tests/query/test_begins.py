"""Rows of windows of time say at which instant they begin, in every question that groups by them."""

from __future__ import annotations

import pytest

from query.shop import Shop, card, plan


@pytest.fixture
def shop_in_berlin(shop: Shop) -> Shop:
    shop.price({"card.yaml": card([{"input": "1"}], per="1M"), "plan.yaml": plan("pro", base_fee="5")})
    shop.customer("acme", plan="pro", zone="Europe/Berlin")
    shop.send(*(shop.call(f"2026-10-{day}T23:30:00Z", {"input": 9}, customer="acme") for day in ("24", "25")))
    return shop


@pytest.mark.parametrize("question", ["usage", "latency", "leakage", "margin"])
@pytest.mark.parametrize(
    ("by", "zone", "begins"),
    [
        ("day", "Europe/Berlin", ["2026-10-24T22:00:00.000000Z", "2026-10-25T23:00:00.000000Z"]),  # 25 hours apart
        ("day,model", "UTC", ["2026-10-24T00:00:00.000000Z", "2026-10-25T00:00:00.000000Z"]),
        ("month,hour", "Europe/Berlin", ["2026-10-24T23:00:00.000000Z", "2026-10-25T23:00:00.000000Z"]),
        ("week,month", "Europe/Berlin", ["2026-10-18T22:00:00.000000Z", "2026-10-25T23:00:00.000000Z"]),
        ("quarter", "Europe/Berlin", ["2026-09-30T22:00:00.000000Z"]),
    ],
)
def test_a_row_says_when_its_window_begins(
    shop_in_berlin: Shop, question: str, by: str, zone: str, begins: list[str]
) -> None:
    if question == "leakage":
        shop_in_berlin.send(
            *(
                shop_in_berlin.call(f"2026-10-{day}T23:30:00Z", None, outcome="failed", customer="acme")
                for day in ("24", "25")
            )
        )
    answer = shop_in_berlin.ask(question, by=by, zone=zone)
    assert sorted({str(row["begins_at"]) for row in answer.rows if row["begins_at"] is not None}) == begins
    windows = [name for name in by.split(",") if name != "model"]
    assert list(answer.columns).index("begins_at") == list(answer.columns).index(windows[-1]) + 1
    unplaced = [row for row in answer.rows if row["begins_at"] is None]
    assert all("(base fee)" in row.values() for row in unplaced)
    assert bool(unplaced) is (question == "margin")


def test_a_meters_windows_begin_too(shop_in_berlin: Shop) -> None:
    answer = shop_in_berlin.ask("usage", meter="input", by="week", zone="Europe/Berlin")
    assert {row["week"]: row["begins_at"] for row in answer.rows} == {
        "2026-W43": "2026-10-18T22:00:00.000000Z",
        "2026-W44": "2026-10-25T23:00:00.000000Z",
    }


@pytest.mark.parametrize("asked", [{"by": "customer,period"}, {"by": "day", "against_plan": "true"}])
def test_without_windows_nothing_begins(shop_in_berlin: Shop, asked: dict[str, str]) -> None:
    answer = shop_in_berlin.ask("usage", **asked)
    assert answer.columns
    assert "begins_at" not in answer.columns
