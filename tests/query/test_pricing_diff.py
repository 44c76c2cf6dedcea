"""What a pricing folder would change, worked out by hand on real usage; now is 15 December 2026."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from query.shop import Shop, card, plan
from tollspan_rater.errors import NotFoundError, PricingError, UsageError
from tollspan_rater.query.answer import Answer

OLD = {"c.yaml": card([{"input": "0.01"}]), "p.yaml": plan("pro", base_fee="49.00")}
NEW = {"c.yaml": card([{"input": "0.02"}]), "p.yaml": plan("pro", base_fee="39.00")}


def folder(files: Mapping[str, Any]) -> str:
    return json.dumps({name: json.dumps(value) for name, value in files.items()})


def part(answer: Answer, name: str) -> list[tuple[Any, ...]]:
    """The rows of a part, without the columns that say nothing in it."""
    columns = {
        "price": ("document", "name", "was", "is"),
        "bill": ("customer", "period", "change", "was", "is", "difference", "currency"),
        "line": ("customer", "name", "was", "is", "difference"),
        "unpriced": ("customer", "name", "was", "is", "why"),
    }[name]
    return [tuple(row.get(column) for column in columns) for row in answer.rows if row["part"] == name]


@pytest.fixture
def used(shop: Shop) -> Shop:
    """In November acme used 1,000 and globex 3,000 input tokens at 0.01, both for 49.00 a month."""
    shop.price(OLD)
    for name, count in (("acme", 1_000), ("globex", 3_000)):
        shop.customer(name, plan="pro")
        shop.send(shop.call("2026-11-10T10:00Z", {"input": count, "output": 0}, customer=name))
    return shop


def test_the_last_ended_period_is_rated_as_if_the_prices_had_held_in_it(used: Shop) -> None:
    answer = used.ask("pricing.diff", files=folder(NEW))
    assert part(answer, "price") == [
        ("card list-USD", "price input:*/*", "0.01", "0.02"),
        ("plan pro", "base fee amount", "49", "39"),
    ]
    # acme: 49 + 10.00 -> 39 + 20.00; globex: 49 + 30.00 -> 39 + 60.00
    assert part(answer, "bill") == [
        ("globex", "2026-11", "pays more", Decimal("79.00"), Decimal("99.00"), Decimal("20.00"), "USD"),
        ("acme", "2026-11", "pays the same", Decimal("59.00"), Decimal("59.00"), Decimal("0.00"), "USD"),
    ]
    assert [(row[2], row[3], row[4]) for row in part(answer, "line")] == [
        (Decimal("49.00"), Decimal("39.00"), Decimal("-10.00")),
        (Decimal("30.00"), Decimal("60.00"), Decimal("30.00")),
        (Decimal("49.00"), Decimal("39.00"), Decimal("-10.00")),
        (Decimal("10.00"), Decimal("20.00"), Decimal("10.00")),
    ]
    assert "all bills: 138.00 -> 158.00 USD, difference 20.00" in answer.notes
    assert "1 bills rise, 0 fall, 1 stay as they are" in answer.notes
    assert not answer.ok


def test_nothing_changes_where_only_the_notation_does(used: Shop) -> None:
    same = {"all.yaml": "\n---\n".join(json.dumps(document) for document in reversed(OLD.values()))}
    answer = used.ask("pricing.diff", files=json.dumps(same))
    assert (answer.ok, list(answer.rows)) == (True, [])
    assert answer.details["prices_changed"] == 0


def test_a_backdated_version_shows_every_bill_since_its_day(used: Shop) -> None:
    used.send(used.call("2026-12-03T10:00Z", {"input": 500, "output": 0}, customer="acme"))
    only_price = {**NEW, "p.yaml": OLD["p.yaml"]}
    answer = used.ask("pricing.diff", files=folder(only_price), from_="2026-11-10")
    # November: acme 1,000 and globex 3,000 tokens, December: acme 500, each 0.01 dearer
    assert [(row[0], row[1], row[5]) for row in part(answer, "bill")] == [
        ("globex", "2026-11", Decimal("30.00")),
        ("acme", "2026-11", Decimal("10.00")),
        ("acme", "2026-12", Decimal("5.00")),
    ]
    later = used.ask("pricing.diff", files=folder(only_price), from_="2026-11-11")
    assert [(row[0], row[1], row[5]) for row in part(later, "bill")] == [("acme", "2026-12", Decimal("5.00"))]


def test_a_customer_without_usage_has_bills_since_the_first_day_of_its_plan(used: Shop) -> None:
    used.customer("initech", plan="pro", from_="2026-10-01")
    answer = used.ask("pricing.diff", files=folder(NEW), from_="2026-01-01", customer="initech")
    assert [(row[1], row[5]) for row in part(answer, "bill")] == [
        ("2026-10", Decimal("-10.00")), ("2026-11", Decimal("-10.00")), ("2026-12", Decimal("-10.00"))
    ]  # fmt: skip


def test_a_backdated_price_gives_what_its_diff_said_and_the_old_bill_is_still_known(used: Shop) -> None:
    before = used.ask("invoice", all="true", period="2026-11").totals
    said = used.ask("pricing.diff", files=folder(NEW), from_="2026-11-01")
    used.price(NEW, since="2026-11-01")
    after = used.ask("invoice", all="true", period="2026-11").totals
    assert (before, after) == ({"amount": Decimal("138.00"), "currency": "USD"},
                               {"amount": Decimal("158.00"), "currency": "USD"})  # fmt: skip
    assert said.details["totals"] == {
        "USD": {"was": Decimal("138.00") + 98, "is": Decimal("158.00") + 78, "difference": Decimal("0.00")}
    }  # the base fees of December fall by 10.00 each
    assert used.ask("pricing.diff", files=folder(NEW), from_="2026-11-01").ok


def test_the_difference_of_a_closed_period_is_said_to_be_adjusted_and_then_is(used: Shop) -> None:
    only_price = {**NEW, "p.yaml": OLD["p.yaml"]}
    used.rater.execute("period.close", {"period": "2026-11", "customer": "acme"}, tenant=used.tenant, actor="test")
    closed_at = used.ask("invoice", customer="acme", period="2026-11").as_of
    said = used.ask("pricing.diff", files=folder(only_price), from_="2026-11-01")
    bills = {row["customer"]: (row["difference"], row["why"]) for row in said.rows if row["part"] == "bill"}
    assert bills == {
        "globex": (Decimal("30.00"), None),
        "acme": (Decimal("10.00"), "closed: the difference is adjusted in the open period"),
    }
    used.price(only_price, since="2026-11-01")
    assert used.ask("invoice", customer="acme", period="2026-11").totals == {
        "amount": Decimal("59.00"), "currency": "USD"
    }  # fmt: skip
    rows = used.ask("invoice", customer="acme", period="2026-12").rows
    assert {row["amount"] for row in rows if row["kind"] == "adjustment"} == {Decimal("-10.00"), Decimal("20.00")}
    known = used.ask("invoice", customer="globex", period="2026-11", as_of=str(closed_at))
    assert known.totals == {"amount": Decimal("79.00"), "currency": "USD"}
    assert len(used.ask("pricing.show", as_of=str(closed_at)).rows) == 1


def test_a_future_version_is_shown_on_the_last_period(used: Shop) -> None:
    answer = used.ask("pricing.diff", files=folder(NEW), from_="2027-01-01")
    assert {row[1] for row in part(answer, "bill")} == {"2026-11"}
    assert answer.details["backdated"] is False


def test_a_price_that_goes_leaves_usage_unpriced_and_says_so(used: Shop) -> None:
    gone = {"c.yaml": card([{"output": "0.02"}]), "p.yaml": plan("pro", base_fee="49.00")}
    answer = used.ask("pricing.diff", files=folder(gone), customer="acme")
    assert part(answer, "price") == [
        ("card list-USD", "price input:*/*", "0.01", None),
        ("card list-USD", "price output:*/*", None, "0.02"),
    ]
    assert part(answer, "unpriced") == [("acme", "input", Decimal(0), Decimal(1000), "no price")]
    assert [row[2:] for row in part(answer, "line")] == [(Decimal("10.00"), None, Decimal("-10.00"))]


def test_against_an_older_version(used: Shop) -> None:
    first = used.ask("pricing.show").rows[0]["version"]
    used.price(NEW)
    assert used.ask("pricing.diff", files=folder(NEW)).ok
    answer = used.ask("pricing.diff", files=folder(NEW), against=str(first), top="1")
    assert [row[0] for row in part(answer, "bill")] == ["globex"]
    assert "1 more bills that change are not shown" in answer.notes


def test_before_anything_is_applied_everything_is_added(shop: Shop) -> None:
    answer = shop.ask("pricing.diff", files=folder(NEW))
    assert [row[:3] for row in part(answer, "price")] == [
        ("card list-USD", None, None),
        ("card list-USD", "price input:*/*", None),
        ("plan pro", None, None),
    ]


def test_asking_writes_nothing(used: Shop) -> None:
    before = used.ask("pricing.show")
    used.ask("pricing.diff", files=folder(NEW), from_="2026-11-01")
    after = used.ask("pricing.show")
    assert (after.rows, after.as_of) == (before.rows, before.as_of)


PRICE = st.one_of(
    st.integers(0, 30).map(lambda cents: str(Decimal(cents).scaleb(-3))),
    st.builds(
        lambda shape, first, then: {shape: [{"up_to": "1_500", "price": first, "flat": "1"}, {"price": then}]},
        st.sampled_from(["graduated", "volume"]), st.sampled_from(["0.01", "0.02"]), st.sampled_from(["0.005", "0.03"]),
    ),
    st.just({"package": {"size": "700", "price": "3"}}),
)  # fmt: skip
BOOKS = st.builds(
    lambda price, fee, included: {
        "c.yaml": card([{"input": price}]),
        "p.yaml": plan("pro", base_fee=fee, included={"input": included}),
    },
    PRICE, st.sampled_from(["0", "49.00"]), st.sampled_from(["0", "800"]),
)  # fmt: skip
DAYS = st.integers(1, 44).map(lambda day: (date(2026, 10, 31) + timedelta(days=day)).isoformat())
CALLS = st.lists(st.tuples(st.sampled_from(["acme", "globex"]), DAYS, st.integers(1, 3_000)), min_size=1, max_size=5)


@settings(max_examples=6, deadline=None, phases=[Phase.generate])
@given(open_books=st.tuples(BOOKS, BOOKS), calls=CALLS, day=DAYS)
def test_a_diff_foretells_every_bill(open_shop: Any, open_books: Any, calls: Any, day: str) -> None:
    """Laying a version over the past gives what applying it gives, whatever the prices and the day."""
    shop, (old, new) = open_shop(), open_books
    shop.price(old)
    for name in ("acme", "globex"):
        shop.customer(name, plan="pro")
    shop.send(*(shop.call(f"{at}T10:00Z", {"input": count}, customer=name) for name, at, count in calls))
    told = shop.ask("pricing.diff", files=folder(new), from_=day)
    labels = {(name, at[:7]) for name, at, _ in calls} & {(name, "2026-11") for name in ("acme", "globex")}
    before = {key: shop.ask("invoice", customer=key[0], period=key[1]).totals for key in labels}
    shop.price(new, since=day)
    after = {key: shop.ask("invoice", customer=key[0], period=key[1]).totals for key in labels}
    moved = {(row[0], row[1]): (row[3], row[4]) for row in part(told, "bill")}
    for key in labels:
        amounts = tuple(Decimal(0) if total is None else total["amount"] for total in (before[key], after[key]))
        assert moved.get(key, amounts) == amounts
        assert key in moved or amounts[0] == amounts[1]


@pytest.mark.parametrize(
    ("params", "error", "said"),
    [
        ({"files": "{}"}, UsageError, "at least one file"),
        ({"files": "{'a': 1}"}, UsageError, "no JSON"),
        ({"files": '{"a.yaml": 1}'}, UsageError, "JSON object"),
        ({"files": "pricing/"}, UsageError, "a JSON object"),
        ({"files": '{"a.yaml": "card: c"}'}, PricingError, "a.yaml:1"),
        ({"files": '{"costs/a.yaml": "costs: 1"}'}, PricingError, "costs/a.yaml:1"),
        ({"files": folder(NEW), "against": "pv_0"}, NotFoundError, "pricing show"),
    ],
)
def test_what_cannot_be_compared(shop: Shop, params: dict[str, str], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        shop.ask("pricing.diff", **params)
