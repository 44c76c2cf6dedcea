"""Revenue that was billed elsewhere counts once, in the margin of its customer and month."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from query.shop import Shop, card, plan
from tollspan_rater.query.imported_revenue import ELSEWHERE


def entry(ident: str, amount: str, day: str = "2026-11-30", **more: str) -> dict[str, str]:
    return {"id": ident, "customer": "acme", "day": day, "amount": amount, "currency": "USD", **more}


def send(shop: Shop, *entries: dict[str, str]) -> Any:
    return shop.rater.execute("revenue.import", {"entries": list(entries)}, tenant=shop.tenant, actor="test")


def margins(shop: Shop, by: str, **params: str) -> dict[Any, tuple[Any, ...]]:
    """Revenue, imported, cost and margin by a dimension and currency."""
    rows = shop.ask("margin", by=by, **params).rows
    return {(row[by], row["currency"]): tuple(row[name] for name in ("revenue", "imported", "cost", "margin"))
            for row in rows}  # fmt: skip


@pytest.fixture
def used(shop: Shop) -> Shop:
    """In November acme used 1,000,000 input tokens that cost $2 and are charged with $8; the plan has no fee."""
    shop.price({"c.yaml": card([{"input": "8"}], per="1M"), "p.yaml": plan("p")})
    shop.customer("acme", plan="p", segment="small")
    shop.send(shop.call("2026-11-10T10:00Z", {"input": 1_000_000, "output": 0}, customer="acme", feature="chat"))
    return shop


def test_it_counts_into_the_margin_of_its_customer_and_month(used: Shop) -> None:
    send(used, entry("in_1", "99.00"), entry("in_2", "-9.50"), entry("in_3", "10", "2026-12-01"))
    assert margins(used, "customer") == {("acme", "USD"): (Decimal("107.5"), Decimal("99.5"), 2, Decimal("105.5"))}
    assert margins(used, "month") == {
        ("2026-11", "USD"): (Decimal("97.5"), Decimal("89.5"), 2, Decimal("95.5")),
        ("2026-12", "USD"): (10, 10, None, 10),
    }
    [row] = used.ask("margin", by="customer", from_="2026-11-01", to="2026-12-01").rows
    assert row["imported"] == Decimal("89.5")
    assert used.ask("margin", by="customer").totals["imported"] == Decimal("99.5")  # type: ignore[index]


def test_below_a_customer_it_stands_apart(used: Shop) -> None:
    send(used, entry("in_1", "99.00"))
    assert margins(used, "feature") == {
        ("chat", "USD"): (8, 0, 2, 6),
        (ELSEWHERE, "USD"): (99, 99, None, 99),
    }
    assert margins(used, "segment") == {("small", "USD"): (107, 99, 2, 105)}
    for by, label in (("day", "2026-11-30"), ("week", "2026-W49"), ("quarter", "2026-Q4"), ("period", "2026-11")):
        assert margins(used, by)[label, "USD"][1] == 99
    assert margins(used, "hour")[ELSEWHERE, "USD"][1] == 99


def test_other_currencies_and_customers_stand_apart(used: Shop) -> None:
    send(used, entry("in_1", "99.00", currency="EUR"), entry("in_2", "5", customer="globex"))
    assert margins(used, "customer") == {
        ("acme", "USD"): (8, 0, 2, 6),
        ("acme", "EUR"): (99, 99, None, 99),
        ("globex", "USD"): (5, 5, None, 5),
    }
    assert margins(used, "customer", customer="globex") == {("globex", "USD"): (5, 5, None, 5)}


def test_an_id_counts_once_however_often_it_is_sent(used: Shop) -> None:
    first = send(used, entry("in_1", "99.00"), entry("in_1", "99.00"))
    assert first.body == {"imported": 1, "changed": 0, "unchanged": 0}
    again = send(used, entry("in_1", "99.0"))
    assert (again.body, again.position) == ({"imported": 0, "changed": 0, "unchanged": 1}, first.position)
    assert send(used, entry("in_1", "89.00"), entry("in_2", "1")).body == {"imported": 1, "changed": 1, "unchanged": 0}
    rows = used.ask("revenue.list").rows
    assert [(row["id"], row["amount"]) for row in rows] == [("in_1", 89), ("in_2", 1)]
    known = used.ask("revenue.list", as_of=str(first.position)).rows
    assert [(row["id"], row["amount"]) for row in known] == [("in_1", 99)]


def test_nothing_is_left_of_what_was_taken_back(used: Shop) -> None:
    before = margins(used, "customer")
    send(used, entry("in_1", "99.00"))
    send(used, entry("in_1", "0"))
    assert (margins(used, "customer"), list(used.ask("revenue.list").rows)) == (before, [])


def test_the_list_is_cut_with_a_note(used: Shop) -> None:
    send(used, *(entry(f"in_{number}", "1") for number in range(3)))
    answer = used.ask("revenue.list", limit="2", customer="acme")
    assert (len(answer.rows), answer.notes) == (2, ["1 more entries are not shown"])


DAYS = st.sampled_from(["2026-10-31", "2026-11-01", "2026-11-30", "2026-12-01"])
ENTRIES = st.builds(
    lambda ident, cents, day, name: entry(ident, str(Decimal(cents).scaleb(-2)), day, customer=name),
    st.sampled_from(["a", "b", "c"]), st.integers(-10_000, 10_000), DAYS, st.sampled_from(["acme", "globex"]),
)  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(ENTRIES, min_size=1, max_size=3, unique_by=lambda one: one["id"]), max_size=4))
def test_the_last_word_on_each_id_is_what_every_grouping_adds_up_to(open_shop: Any, sent: list[Any]) -> None:
    shop = open_shop()
    known: dict[str, dict[str, str]] = {}
    for entries in sent:
        send(shop, *entries)
        known |= {one["id"]: one for one in entries}
    whole = sum((Decimal(one["amount"]) for one in known.values()), Decimal(0))
    for by in ("customer", "month", "feature"):
        assert sum((row["imported"] for row in shop.ask("margin", by=by).rows), Decimal(0)) == whole
