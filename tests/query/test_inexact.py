"""What is not exact, why, and what is charged for it by default and by a plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from query.shop import Shop, card, plan
from tollspan_rater.query.inexact import why
from tollspan_rater.query.selection import CallRow

AT = "2026-11-03T10:00Z"
PRICES = {"list.yaml": card([{"input": 1, "output": 2, "request": 10}]), "pro.yaml": plan("pro")}
COUNTS = {"input": 10, "output": 5}  # 20 with the prices above, 30 with the request


def rows(shop: Shop, **params: str) -> list[tuple[Any, ...]]:
    names = ("customer", "quality", "why", "calls", "total_tokens", "reason", "charge", "share_of_tokens")
    return [tuple(row[name] for name in names) for row in shop.ask("inexact", **params).rows]


def fill(shop: Shop) -> None:
    shop.send(
        shop.call(AT, COUNTS, customer="acme"),
        shop.call(AT, COUNTS, customer="acme", quality="estimated"),
        shop.call(AT, COUNTS, customer="acme", quality="lower_bound"),
        shop.call(AT, customer="acme", quality="unmeasured"),
        shop.call(AT, customer="acme", quality="unmeasured", outcome="failed"),
        shop.call(AT, COUNTS, customer="other"),
    )


def test_each_customer_with_cause_charge_and_share(open_shop: Callable[[], Shop]) -> None:
    shop = open_shop()
    shop.price(PRICES)
    shop.customer("acme", plan="pro")
    fill(shop)
    third = Decimal(100) / 3
    found = rows(shop)
    assert [row[:7] for row in found] == [
        ("acme", "estimated", "the sender counted by a rule, not the provider", 1, 15, "estimated", 0),
        ("acme", "lower_bound", "the stream has no finish, so its last usage may be missing", 1, 15, "billable", 30),
        ("acme", "unmeasured", "no span of the call states usage, as of a stream without include_usage", 1, None,
         "billable", 10),
        ("acme", "unmeasured", "the attempt failed and states no usage", 1, None, "failed", 0),
    ]  # fmt: skip
    assert abs(found[0][7] - third) < 1
    assert found[2][7] is None
    assert shop.ask("inexact").notes[0] == "4 of 6 calls and units are not exact; 2 customers have usage"
    assert rows(shop, customer="other") == []
    assert [row[1] for row in rows(shop, quality="unmeasured", top="1")] == ["unmeasured"]
    assert shop.ask("audit", full="true").ok


def test_a_plan_decides_which_qualities_are_billed(open_shop: Callable[[], Shop]) -> None:
    shop = open_shop()
    rules = {
        "estimated": {"on_invoice": "yes", "counts_toward_quota": "yes", "reason": "billable"},
        "unmeasured": {"on_invoice": "no", "counts_toward_quota": "no", "reason": "unmeasured"},
    }
    shop.price({**PRICES, "pro.yaml": plan("pro", policy={"quality": rules})})
    shop.customer("acme", plan="pro")
    fill(shop)
    charged = {(row[1], row[5]): row[6] for row in rows(shop, customer="acme")}
    assert charged == {
        ("estimated", "billable"): 30,
        ("lower_bound", "billable"): 30,
        ("unmeasured", "unmeasured"): 0,
        ("unmeasured", "failed"): 0,
    }
    bill = shop.ask("invoice", customer="acme", period="2026-11")
    assert sum(Decimal(str(row["amount"])) for row in bill.rows) == 90
    assert any("unmeasured" in note for note in bill.notes)
    assert shop.ask("audit", full="true").ok


def test_nothing_to_say(open_shop: Callable[[], Shop]) -> None:
    shop = open_shop()
    assert shop.ask("inexact").notes == ["there is no usage"]
    shop.send(shop.call(AT, COUNTS, customer="acme"))
    assert shop.ask("inexact").notes == ["all usage is exact"]


_EMPTY = CallRow._make([None] * len(CallRow._fields))._replace(quality="derived", outcome="complete", flags="")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "computed from what the provider stated"),
        ({"flags": "aggregate, conflict:usage"}, "two views of the call state different totals"),
        ({"flags": "id_reuse", "quality": "estimated"}, "the sender counted by a rule, not the provider"),
        ({"flags": "audio_in_exceeds_input"}, "a part was larger than its whole, and is not known now"),
        ({"flags": "filled"}, "a total was taken from another view of the call"),
        (
            {"flags": "filled", "quality": "lower_bound", "outcome": "aborted"},
            "the stream broke off before its final usage",
        ),
        ({"quality": "lower_bound", "outcome": "timeout"}, "a part of the usage is missing"),
        ({"quality": "unmeasured", "flags": "zero_usage"}, "zeros stood where the provider said nothing"),
    ],
)
def test_causes(changed: dict[str, str], words: str) -> None:
    assert why(_EMPTY._replace(**changed)) == words


def test_units_of_a_meter_are_counted_and_listed(open_shop: Callable[[], Shop]) -> None:
    shop = open_shop()
    shop.price({**PRICES, "list.yaml": card([{"output": 1}, {"page": "0.5"}], meters=["page"])})
    shop.customer("acme", plan="pro")
    shop.send(
        shop.call(AT, COUNTS, customer="acme"),
        shop.unit(AT, "page", "3", customer="acme"),
        replace(shop.unit(AT, "page", "1.5", customer="acme")),
        shop.unit(AT, 'odd"]name', "2", customer="acme"),
    )
    answer = shop.ask("usage", by="meter")
    found = {row["meter"]: (row["calls"], row["units"], row["quantity"], row["charge"]) for row in answer.rows}
    assert found == {
        None: (1, 0, None, 5),
        "page": (0, 2, Decimal("4.5"), Decimal("2.25")),
        'odd"]name': (0, 1, Decimal(2), None),
    }
    listed = shop.ask("calls", kind="unit").rows
    assert sorted((row["meter"], row["quantity"]) for row in listed) == [
        ('odd"]name', 2),
        ("page", Decimal("1.5")),
        ("page", 3),
    ]
    assert len(shop.ask("calls").rows) == 1
    assert shop.ask("audit", full="true").ok
