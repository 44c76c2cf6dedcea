"""What the questions answer for cases that a reader can check by hand."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from query.shop import Shop, card, plan
from tests.rating.compare import at_ns, files
from tests.rating.random_bills import Data, case
from tests.reference.bill import bill
from tollspan_rater.errors import NotFoundError, UsageError

SIMPLE = {
    "card.yaml": card([{"input": "4", "output": "16"}], per="1M"),
    "plan.yaml": plan("pro", base_fee="31"),
    "other.yaml": {"card": "dear", "currency": "USD", "per": "1M", "prices": [{"input": "8", "output": "32"}]},
    "dear.yaml": {"plan": "dear", "currency": "USD", "cards": ["dear"], "base_fee": "62"},
    "all.yaml": plan("all", policy={"attempts": "all"}),
}
CALL = {"input": 1_000_000, "output": 0}


@pytest.fixture
def pro(shop: Shop) -> Shop:
    shop.price(SIMPLE)
    shop.customer("a", plan="pro")
    return shop


def lines(shop: Shop, customer: str = "a", period: str = "2026-11") -> dict[str, Decimal]:
    rows = shop.ask("invoice", customer=customer, period=period).rows
    return {f"{row['plan']} {row['meter']} {row['price_version']}": row["amount_exact"] for row in rows}  # type: ignore[misc]


@pytest.mark.parametrize(
    ("said", "decisions", "charge"),
    [
        ({}, (True, True, "billable"), 4),
        ({"environment": "test"}, (False, False, "test"), 0),
        ({"phase": "trial"}, (False, True, "trial"), 0),
        ({"outcome": "aborted"}, (False, False, "failed"), 0),
        ({"outcome": "aborted", "customer": "every"}, (True, True, "billable"), 4),
        ({"billable": False}, (False, False, "operator"), 0),
        ({"customer": None}, (True, True, "no plan"), None),
        ({"customer": "stranger"}, (True, True, "no plan"), None),
    ],
)
def test_two_decisions_and_a_charge(pro: Shop, said: dict[str, Any], decisions: tuple[Any, ...], charge: int) -> None:
    pro.customer("every", plan="all")
    pro.send(pro.call("2026-11-03T10:00Z", CALL, **{"customer": "a"} | said))
    (row,) = pro.ask("calls").rows
    assert (row["on_invoice"], row["counts_toward_quota"], row["reason"]) == decisions
    assert row["charge"] == charge
    assert row["cost"] == 2
    (used,) = pro.ask("usage", by="reason").rows
    assert (used["charge"], used["cost"], used["unpriced"]) == (charge, 2, int(charge is None))


def test_an_answer_out_of_a_gateways_cache_is_charged_and_costs_nothing(pro: Shop) -> None:
    pro.send(pro.call("2026-11-03T10:00Z", CALL, customer="a", outcome="cache_hit"))
    (row,) = pro.ask("calls").rows
    assert (row["reason"], row["charge"], row["cost"]) == ("billable", 4, 0)
    assert [used["cost"] for used in pro.ask("usage").rows] == [0]


def test_a_failed_attempt_is_retried_as_soon_as_a_later_one_exists(pro: Shop) -> None:
    first = pro.call("2026-11-03T10:00:00Z", CALL, customer="a", outcome="timeout")
    pro.send(first)
    assert [row["reason"] for row in pro.ask("calls").rows] == ["failed"]
    later = {"attempt": 2, "retry_of": first.identity.record_id, "customer": "a"}
    pro.send(pro.call("2026-11-03T10:00:09Z", CALL, **later))
    assert [row["reason"] for row in pro.ask("calls").rows] == ["retried", "billable"]
    assert [row["charge"] for row in pro.ask("usage").rows] == [4]


def test_what_is_unknown_is_shown_and_never_nothing(pro: Shop) -> None:
    pro.send(
        pro.call("2026-11-03T10:00Z", None, customer="a"),
        pro.call("2026-11-03T10:00Z", CALL, customer="a", request_model="mystery"),
        pro.call("2026-11-03T10:00Z", CALL),
    )
    by_customer = {row["customer"]: row for row in pro.ask("usage").rows}
    known, nobody = by_customer["a"], by_customer["unattributed"]
    assert (known["unmeasured"], known["unknown_cost"], known["cost"]) == (1, 2, None)
    assert (nobody["charge"], nobody["unpriced"]) == (None, 1)
    margin = {row["customer"]: row for row in pro.ask("margin").rows}
    assert (margin["a"]["margin"], margin["unattributed"]["revenue"], margin["unattributed"]["margin"]) == (None,) * 3
    assert any("1 calls have no customer" in note for note in pro.ask("invoice", all="true", period="2026-11").notes)
    assert [row["customer"] for row in pro.ask("calls", unattributed="true").rows] == [None]


def test_currencies_are_never_added(shop: Shop) -> None:
    euro = card([{"input": "1", "output": "1"}], currency="EUR")
    shop.price({**SIMPLE, "euro.yaml": euro, "eu.yaml": plan("eu", currency="EUR")})
    shop.customer("a", plan="pro")
    shop.customer("b", plan="eu")
    shop.send(*(shop.call("2026-11-03T10:00Z", {"input": 500_000, "output": 0}, customer=name) for name in "ab"))
    usage = shop.ask("usage", by="model")
    assert {row["currency"]: row["charge"] for row in usage.rows} == {"USD": 2, "EUR": 500_000}
    assert usage.totals is not None
    assert "charge" not in usage.totals
    assert (usage.totals["cost"], usage.totals["cost_currency"]) == (2, "USD")
    margin = {row["currency"]: row["margin"] for row in shop.ask("margin").rows}
    assert margin == {"USD": 32, "EUR": None}  # 31 + 2 - 1; dollars are not taken from euros
    invoices = shop.ask("invoice", all="true", period="2026-11")
    assert invoices.totals is None
    assert {"total EUR 500000.00", "total USD 33.00"} <= set(invoices.notes)


def test_a_plan_that_changes_within_a_month_bills_both_parts(pro: Shop) -> None:
    pro.customer("a", plan="dear", **{"from": "2026-11-16"})
    pro.send(*(pro.call(f"2026-11-{day}T10:00Z", CALL, customer="a") for day in (15, 16)))
    version = pro.ask("invoice", customer="a", period="2026-11").rows[0]["price_version"]
    assert lines(pro) == {
        f"pro base_fee {version}": Decimal("15.5"), f"dear base_fee {version}": 31,
        f"pro input {version}": 4, f"dear input {version}": 8,
    }  # fmt: skip
    assert [row["plan"] for row in pro.ask("calls").rows] == ["pro", "dear"]
    assert {row["plan"]: row["charge"] for row in pro.ask("usage", by="plan").rows} == {"pro": 4, "dear": 8}


def test_a_price_that_changes_within_a_month_holds_from_its_day_on(pro: Shop) -> None:
    dearer = {**SIMPLE, "card.yaml": card([{"input": "5", "output": "16"}], per="1M")}
    later = pro.price(dearer, since="2026-11-16")
    pro.send(*(pro.call(f"2026-11-{day}T10:00Z", CALL, customer="a") for day in (15, 16)))
    assert [(row["charge"], row["price_version"] == later) for row in pro.ask("calls").rows] == [(4, False), (5, True)]
    inputs = [row for row in pro.ask("invoice", customer="a", period="2026-11").rows if row["meter"] == "input"]
    assert sorted(row["amount_exact"] for row in inputs) == [4, 5]  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("zone", "last_of_october", "first_of_november"),
    [
        ("UTC", "2026-10-31T23:59:59Z", "2026-11-01T00:00:00Z"),
        ("Europe/Berlin", "2026-10-31T22:59:59Z", "2026-10-31T23:00:00Z"),
        ("America/New_York", "2026-11-01T03:59:59Z", "2026-11-01T04:00:00Z"),
        ("Pacific/Auckland", "2026-10-31T10:59:59Z", "2026-10-31T11:00:00Z"),
    ],
)
def test_months_are_those_of_the_customers_zone(
    pro: Shop, zone: str, last_of_october: str, first_of_november: str
) -> None:
    pro.customer("a", zone=zone)
    pro.send(*(pro.call(instant, CALL, customer="a") for instant in (last_of_october, first_of_november)))
    for month in ("2026-10", "2026-11"):
        answer = pro.ask("invoice", customer="a", period=month)
        assert [row["amount"] for row in answer.rows if row["meter"] == "input"] == [4]
        assert answer.zone == zone
        assert f"period {month} in {zone}" in answer.notes[0]
    months = pro.ask("usage", customer="a", by="month").rows
    assert [(row["month"], row["calls"]) for row in months] == [("2026-10", 1), ("2026-11", 1)]
    november = pro.ask("usage", customer="a", from_="2026-11-01").rows
    assert [row["calls"] for row in november] == [1]


def test_a_plans_own_zone_cuts_the_days_of_its_assignments_too(shop: Shop) -> None:
    shop.price({**SIMPLE, "tokyo.yaml": plan("tokyo", zone="Asia/Tokyo")})
    shop.customer("a", plan="tokyo", **{"from": "2026-11-01"})
    shop.send(shop.call("2026-10-31T15:00:00Z", CALL, customer="a"))  # the first instant of November in Tokyo
    assert [row["charge"] for row in shop.ask("calls").rows] == [4]


def test_bills_of_customers_in_different_zones_name_their_times(pro: Shop) -> None:
    pro.customer("b", plan="pro", zone="Asia/Tokyo")
    answer = pro.ask("invoice", all="true", period="2026-11")
    assert [row["customer"] for row in answer.rows] == ["a", "b"]
    assert answer.details["b"]["from"] == "2026-10-31T15:00:00.000000Z"  # type: ignore[index]
    assert [note.partition(":")[0] for note in answer.notes[:2]] == [
        "period 2026-11 in UTC", "period 2026-11 in Asia/Tokyo",
    ]  # fmt: skip


def test_a_customer_without_usage_or_plan_has_an_empty_bill(pro: Shop) -> None:
    pro.customer("silent")
    answer = pro.ask("invoice", customer="silent")
    assert (list(answer.rows), answer.totals) == ([], None)
    assert "nothing to bill in this period" in answer.notes
    assert [row["amount"] for row in pro.ask("invoice", customer="a").rows] == [31]
    with pytest.raises(NotFoundError):
        pro.ask("invoice", customer="never-heard-of")


def test_users_are_shown_and_asked_for_by_name(pro: Shop) -> None:
    pro.send(*(pro.call("2026-11-03T10:00Z", CALL, customer="a", user=user) for user in ("ann", "bob")))
    assert {row["user"] for row in pro.ask("usage", by="user").rows} == {"ann", "bob"}
    (row,) = pro.ask("calls", user="ann").rows
    assert row["user"] == "ann"
    assert [row["calls"] for row in pro.ask("usage", user="bob", by="user").rows] == [1]


def test_an_answer_names_the_position_that_it_includes(pro: Shop) -> None:
    before = pro.ask("usage").as_of
    position = pro.send(pro.call("2026-11-03T10:00Z", CALL, customer="a"))
    assert before < position == pro.ask("usage").as_of


def test_no_tenant_sees_anothers_calls(open_shop: Callable[[], Shop]) -> None:
    one, other = open_shop(), open_shop()
    for shop in (one, other):
        shop.price(SIMPLE)
        shop.customer("a", plan="pro")
    call = one.call("2026-11-03T10:00Z", CALL, customer="a", response_id="same")
    one.send(call)
    assert (len(one.ask("calls").rows), len(other.ask("calls").rows)) == (1, 0)
    other.send(call)
    for shop in (one, other):
        assert [row["calls"] for row in shop.ask("usage").rows] == [1]
        assert shop.ask("audit", full="true").ok


@pytest.mark.parametrize("sort", ["margin", "revenue", "calls", "customer", "charge"])
def test_margin_is_sorted_by_its_columns(pro: Shop, sort: str) -> None:
    pro.customer("b", plan="dear")
    pro.send(*(pro.call("2026-11-03T10:00Z", CALL, customer=name) for name in "abb"))
    if sort == "charge":
        with pytest.raises(UsageError, match="margin_percent"):
            pro.ask("margin", sort=sort)
        return
    first = next(iter(pro.ask("margin", sort=sort).rows))
    assert first["customer"] == ("a" if sort == "customer" else "b")


def test_margin_counts_base_fees_of_customers_who_used_nothing(pro: Shop) -> None:
    pro.customer("silent", plan="dear")
    pro.send(pro.call("2026-11-03T10:00Z", CALL, customer="a"))
    answer = pro.ask("margin")
    assert {row["customer"]: (row["revenue"], row["margin"]) for row in answer.rows} == {
        "a": (35, 33), "silent": (62, 62),
    }  # fmt: skip
    assert answer.totals is not None
    assert (answer.totals["revenue"], answer.totals["margin"], answer.totals["margin_percent"]) == (
        97, 95, Decimal("97.94"),
    )  # fmt: skip


def test_amounts_keep_every_digit(shop: Shop) -> None:
    price = "0.00000000000000000001234567890123"
    shop.price({"card.yaml": card([{"input": price}]), "plan.yaml": plan("pro")})
    shop.customer("a", plan="pro")
    shop.send(shop.call("2026-11-03T10:00Z", {"input": 999_999_999_999}, customer="a"))
    exact = Decimal("1.234567890121765432109877E-8")
    assert Fraction(exact) == 999_999_999_999 * Fraction(price)
    for question, column in (("calls", "charge"), ("usage", "charge"), ("margin", "revenue")):
        assert [row[column] for row in shop.ask(question).rows] == [exact]
    assert [row["amount_exact"] for row in shop.ask("invoice", customer="a", period="2026-11").rows] == [exact]


@pytest.mark.parametrize("cursor", ["x", "1.c", "0" * 20 + ".", "-0000000000000000001.c_1"])
def test_a_cursor_that_is_none_is_refused(shop: Shop, cursor: str) -> None:
    with pytest.raises(UsageError, match="no cursor"):
        shop.ask("calls", cursor=cursor)


@pytest.mark.parametrize("seed", range(8))
def test_an_invoice_is_what_the_naive_program_computes(shop: Shop, seed: int) -> None:
    drawn = of_stated_usage(case(seed, customers=1))
    shop.price(files(drawn))
    shop.customer("a", plan="p", **{"from": "2026-11-01"})
    (listed,) = drawn["customers"]
    for one in listed:
        environment = one.get("reason", "production")
        shop.send(
            shop.call(at_ns(one), one["usage"], customer="a", request_model=one["model"], environment=environment)
        )
        one["usage"]["request"] = 1
    expected = bill(drawn, listed)
    answer = shop.ask("invoice", customer="a", period="2026-11")
    exact = [Fraction(row["amount_exact"]) for row in answer.rows]  # type: ignore[arg-type]
    assert sum(exact, Fraction(0)) == sum(expected.exact.values())
    assert sum((Fraction(row["amount"]) for row in answer.rows), Fraction(0)) == expected.asked  # type: ignore[arg-type]


def of_stated_usage(drawn: Data) -> Data:
    """Return a random case as far as calls of one provider can tell it: counts of tokens, a month of the plan."""
    plan = {key: drawn["plan"][key] for key in KEPT if key in drawn["plan"]}
    cards = [
        card | {"prices": [p for p in card["prices"] if "cost_plus" not in p.get("price", {})]}
        for card in drawn["cards"]
    ]
    calls = [
        one | {"facts": {}, "provider": "openai", "usage": {m: n for m, n in one["usage"].items() if m in STATED}}
        for one in drawn["customers"][0]
    ]
    whole = {"held": [720, 720], "paid": [720, 720], "number": 1, "earlier": {}, "addons": [], "until": 0}
    return drawn | whole | {"plan": plan, "cards": [card for card in cards if card["prices"]], "customers": [calls]}


KEPT = ("base_fee", "commitment", "minimum", "maximum", "rounding")
STATED = ("input", "cache_read", "cache_write", "output", "reasoning")
