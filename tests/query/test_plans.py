"""Plans as customers hold them: periods, add-ons, terms, trials and what rolls over, asked of a real folder."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from query.shop import Shop, card, plan
from tollspan_rater.errors import ConfigError, UsageError

D = Decimal
ONE = {"input": 1, "output": 0}


def price(shop: Shop, *documents: dict[str, object], since: str | None = None) -> None:
    prices = card([{"input": 1, "output": 2}])
    shop.price({f"{number}.yaml": one for number, one in enumerate((prices, *documents))}, since=since)


def bill(shop: Shop, period: str, customer: str = "a") -> list[tuple[str, str]]:
    rows = shop.ask("invoice", customer=customer, period=period).rows
    return [(str(row["kind"]), f"{row['amount']:f}") for row in rows]


def ends(shop: Shop, period: str) -> str:
    details: Any = shop.ask("invoice", customer="a", period=period).details["a"]
    return str(details["to"])[:10]


@pytest.mark.parametrize(
    ("every", "anchor", "label", "first", "last", "beyond"),
    [
        ("month", "calendar", "2026-11", "2026-11-01T00:00Z", "2026-11-30T23:59Z", "2026-12-01T00:00Z"),
        ("week", "calendar", "2026-W45", "2026-11-02T00:00Z", "2026-11-08T23:59Z", "2026-11-09T00:00Z"),
        ("quarter", "calendar", "2026-Q3", "2026-07-01T00:00Z", "2026-09-30T23:59Z", "2026-10-01T00:00Z"),
        ("year", "calendar", "2025", "2025-01-15T00:00Z", "2025-12-31T23:59Z", "2026-01-01T00:00Z"),
        ("month", "subscription", "2026-11-15", "2026-11-15T00:00Z", "2026-12-14T23:59Z", "2026-12-15T00:00Z"),
        ("month", "subscription", "2026-11", "2026-11-15T00:00Z", "2026-12-14T23:59Z", "2026-12-15T00:00Z"),
        ("week", "subscription", "2026-11-18", "2026-11-18T00:00Z", "2026-11-24T23:59Z", "2026-11-25T00:00Z"),
    ],
)
def test_periods(shop: Shop, every: str, anchor: str, label: str, first: str, last: str, beyond: str) -> None:
    price(shop, plan("p", every=every, anchor=anchor, base_fee=5))
    shop.customer("a", plan="p", **{"from": "2025-01-15"})
    shop.send(*(shop.call(at, ONE, customer="a") for at in (first, last, beyond)))
    assert ("usage", "2.00") in bill(shop, label)


def test_a_label_that_is_no_period_names_those_that_are(shop: Shop) -> None:
    price(shop, plan("p", every="week"))
    shop.customer("a", plan="p")
    with pytest.raises(ConfigError, match="its periods are 2026-W45, 2026-W46, 2026-W47, 2026-W48, 2026-W49"):
        bill(shop, "2026-11")
    with pytest.raises(UsageError, match="2026-W47"):
        bill(shop, "2026-13")


def test_a_change_of_the_interval_cuts_the_period_short(shop: Shop) -> None:
    """30 a month, then 365 a year from 15 November: half a month's fee, and the rest of the year's days."""
    price(shop, plan("monthly", base_fee=30), plan("yearly", every="year", base_fee=365))
    shop.customer("a", plan="monthly", **{"from": "2026-11-01"})
    shop.customer("a", plan="yearly", **{"from": "2026-11-16"})
    assert bill(shop, "2026-11") == [("base_fee", "15.00")]
    assert bill(shop, "2026-11-16") == [("base_fee", "46.00")]
    assert bill(shop, "2027") == [("base_fee", "365.00")]


def test_a_customer_has_an_anchor_of_its_own_and_can_give_it_back(shop: Shop) -> None:
    price(shop, plan("p", base_fee=10))
    shop.customer("a", plan="p", anchor="2026-01-31")
    assert ends(shop, "2026-11-30") == "2026-12-31"
    assert ends(shop, "2026-02-28") == "2026-03-31"
    shop.customer("a", anchor="")
    assert ends(shop, "2026-11") == "2026-12-01"


def test_addons_come_by_command_and_change_by_day(shop: Shop) -> None:
    seats = {"addon": "seats", "currency": "USD", "fee": 30, "included": {"input": 1}}
    price(shop, plan("p"), seats)
    shop.customer("a", plan="p", addons=[{"addon": "seats", "quantity": "2"}])
    shop.customer("a", addons=[{"addon": "seats", "quantity": "3", "from": "2026-11-16"}])
    shop.customer("a", addons=[{"addon": "seats", "quantity": "5", "from": "2026-11-16", "to": "2026-12-01"}])
    shop.send(*(shop.call("2026-11-03T10:00Z", ONE, customer="a") for _ in range(6)))
    assert bill(shop, "2026-11") == [("addon", "105.00"), ("usage", "1.00")]
    assert bill(shop, "2026-12") == []
    (row,) = shop.ask("customers.list", customer="a").rows
    assert row["addons"] == ["2 seats", "5 seats from 2026-11-16 to 2026-12-01"]
    with pytest.raises(UsageError, match="first without the add-on"):
        shop.customer("a", addons=[{"addon": "seats", "from": "2026-11-16", "to": "2026-11-16"}])


def test_own_terms_come_before_the_plan(shop: Shop) -> None:
    terms = {"terms": "a", "from": "2026-11-16", "prices": [{"input": 0.5}], "base_fee": 8, "discounts": []}
    price(shop, plan("p", base_fee=4, discounts=[{"percent": 50}]), terms)
    for name in ("a", "b"):
        shop.customer(name, plan="p")
        shop.send(*(shop.call(f"2026-11-{day}T10:00Z", ONE, customer=name) for day in ("03", "20")))
    assert bill(shop, "2026-11", "b") == [("base_fee", "4.00"), ("usage", "2.00"), ("discount", "-1.00")]
    assert bill(shop, "2026-11") == [("base_fee", "2.00"), ("base_fee", "4.00"), ("usage", "1.00"), ("usage", "0.50")]


def test_usage_in_a_trial_is_on_no_invoice(shop: Shop) -> None:
    price(shop, plan("p", trial=14, base_fee=30))
    shop.customer("a", plan="p", **{"from": "2026-11-02"})
    shop.send(*(shop.call(f"2026-11-{day}T10:00Z", ONE, customer="a") for day in ("02", "15", "16")))
    assert bill(shop, "2026-11") == [("base_fee", "15.00"), ("usage", "1.00")]
    reasons = {row["reason"]: (row["calls"], row["charge"]) for row in shop.ask("usage", by="reason").rows}
    assert reasons == {"trial": (2, D(0)), "billable": (1, D(1))}


def test_what_is_left_rolls_over(shop: Shop) -> None:
    """10 a month: 4 used in September, 12 in October (6 carried), nothing in November, 25 in December."""
    price(shop, plan("p", included={"input": {"quantity": 10, "rollover": {"periods": 1, "max": 8}}}))
    shop.customer("a", plan="p", **{"from": "2026-09-01"})
    used = {"2026-09": 4, "2026-10": 12, "2026-12": 25}
    for month, count in used.items():
        shop.send(*(shop.call(f"{month}-03T10:00Z", ONE, customer="a") for _ in range(count)))
    assert [bill(shop, f"2026-{month}") for month in ("09", "10", "11", "12")] == [
        [("usage", "0.00")],
        [("usage", "0.00")],  # 6 + 10; 4 of its own left
        [],
        [("usage", "7.00")],  # 8 of 10 carried, the 4 of October are gone
    ]
    charged = [row["charge"] for row in shop.ask("usage", by="month", sort="month").rows]
    assert charged == [0, 0, 7]
    assert "25 of 18 input used" in " ".join(shop.ask("invoice", customer="a", period="2026-12").notes)


def test_a_plan_since_ever_rolls_over_from_the_first_usage_on(shop: Shop) -> None:
    price(shop, plan("p", included={"input": {"quantity": 10, "rollover": 2}}))
    shop.customer("a", plan="p")
    shop.send(shop.call("2026-09-03T10:00Z", ONE, customer="a"))
    notes = [" ".join(shop.ask("invoice", customer="a", period=f"2026-{month}").notes) for month in ("09", "10", "11")]
    assert ["1 of 10" in notes[0], "0 of 19" in notes[1], "0 of 29" in notes[2]] == [True] * 3


def test_margins_are_whole_with_what_no_call_causes(shop: Shop) -> None:
    price(
        shop,
        plan("p", base_fee=30, discounts=[{"percent": 10}], commitment=50, every="week"),
        plan("capped", maximum=2, base_fee=1),
    )
    shop.customer("a", plan="p")
    shop.customer("b", plan="capped")
    shop.send(*(shop.call("2026-11-03T10:00Z", {"input": 10, "output": 5}, customer=name) for name in ("a", "b")))
    rows = {row["customer"]: (row["revenue"], row["base_fees"], row["modifiers"]) for row in shop.ask("margin").rows}
    assert rows == {"a": (80, 30, 30), "b": (2, 1, -19)}
    months = {row["month"]: row["revenue"] for row in shop.ask("margin", by="month", sort="month").rows}
    assert months == {"2026-11": 82}
    invoiced = shop.ask("invoice", all="true", period="2026-11").totals
    assert invoiced is not None
    assert invoiced["amount"] == D(80 + 4 * 80 + 2)  # five weeks begin in November


def test_every_line_leads_to_its_explanation(shop: Shop) -> None:
    seats = {"addon": "seats", "currency": "USD", "fee": 30}
    more = {"base_fee": 1, "discounts": [{"percent": 10}, {"amount": 1}], "minimum": 100, "rounding": {"at": "invoice"}}
    price(shop, plan("p", **more), seats)
    shop.customer("a", plan="p", addons=[{"addon": "seats"}])
    shop.send(shop.call("2026-11-03T10:00Z", ONE, customer="a"))
    rows = shop.ask("invoice", customer="a", period="2026-11").rows
    assert [row["kind"] for row in rows] == ["base_fee", "addon", "usage", "discount", "discount", "minimum"]
    for row in rows:
        told = " ".join(str(fact["value"]) for fact in shop.ask("explain", id=str(row["line_id"])).rows)
        assert str(row["description"]) in told


def test_a_running_period_says_what_is_projected_and_what_cannot_be_billed(shop: Shop) -> None:
    price(shop, plan("p", minimum=100))
    shop.customer("a", plan="p", addons=[{"addon": "seats"}])
    notes = " ".join(shop.ask("invoice", customer="a").notes)
    assert "projected, as if the period ended now: minimum" in notes
    assert "add-on seats is held, but the price book has none of this name" in notes
    assert "projected" not in " ".join(shop.ask("invoice", customer="a", period="2026-11").notes)


def test_references_that_contradict_are_told_and_change_nothing(shop: Shop) -> None:
    price(shop, plan("p"), plan("q"))
    shop.customer("a", plan="p", external_ids={"stripe": "sub_1"})
    shop.customer("a", plan="q", **{"from": "2026-11-16"})
    shop.customer("b", plan="p")
    said = [("2026-11-03", "p"), ("2026-11-03", "q"), ("2026-11-20", "p"), ("2026-11-20", "p"), ("2026-11-20", "sub_1"),
            ("2026-11-21", "sub_2"), ("2026-11-21", None)]  # fmt: skip
    shop.send(*(shop.call(f"{day}T10:00Z", ONE, customer="a", subscription=name) for day, name in said))
    shop.send(*(shop.call("2026-11-03T10:00Z", ONE, customer="b", subscription=name) for name in ("p", "sub_9")))
    rows = shop.ask("contradictions").rows
    assert [(row["customer"], row["subscription"], row["plan"], row["calls"]) for row in rows] == [
        ("a", "q", "p", 1),
        ("a", "p", "q", 2),
        ("a", "sub_2", "q", 1),
    ]
    assert [str(row["why"])[:15] for row in rows] == ["it names plan q", "it names plan p", "it is none of t"]
    (note,) = [note for note in shop.ask("invoice", customer="a", period="2026-11").notes if "in force" in note]
    assert note.startswith("a: 4 calls refer to another plan")
    assert ("usage", "2.00") in bill(shop, "2026-11")
    assert shop.ask("contradictions", customer="b").rows == []
