"""What an empty answer may not hide: a span of time the wrong way round, a customer whom nobody knows."""

from __future__ import annotations

import pytest

from tests.query.shop import Shop
from tollspan_rater.errors import UsageError

ASKED = ("usage", "calls", "margin", "leakage", "latency", "inexact", "duplicates", "contradictions", "revenue.list")


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-12-01", "2026-11-01"),
        ("2026-11-01", "2026-11-01"),
        ("2026-11-01", "2026-11-01T00:00+01:00"),
        ("2026-11-01T00:00:00Z", "2026-11-01T01:00+02:00"),
    ],
)
def test_a_span_of_time_that_ends_before_it_begins_is_refused(shop: Shop, name: str, start: str, end: str) -> None:
    with pytest.raises(UsageError, match="is not before"):
        shop.ask(name, from_=start, to=end)


def test_days_begin_where_their_zone_says(shop: Shop) -> None:
    shop.ask("usage", from_="2026-11-01", to="2026-10-31T23:30:00Z", zone="Europe/Berlin")
    with pytest.raises(UsageError, match="2026-11-01 is not before"):
        shop.ask("usage", from_="2026-11-01", to="2026-10-31T23:30:00Z", zone="UTC")


@pytest.mark.parametrize("name", ["usage", "calls", "margin", "leakage", "latency", "inexact", "statements.list"])
def test_an_answer_about_nobody_says_so(shop: Shop, name: str) -> None:
    shop.execute("customer.set", {"customer": "acme"})
    shop.send(shop.call("2026-11-03T09:00:00Z", {"input": 1}, customer="globex"))
    for customer in ("acme", "globex"):
        assert not any("is known" in note for note in shop.ask(name, customer=customer).notes)
    unknown = "no customer 'acmee' is known: tollspan customers list shows who there is"
    assert unknown in shop.ask(name, customer="acmee").notes


def test_nothing_asked_explains_nothing(shop: Shop) -> None:
    """A board whose reader has not said yet what to explain shows no rows, and no error."""
    answer = shop.ask("explain", id="")
    assert (answer.rows, answer.notes) == (
        [],
        ["give a trace id (32 hex digits), span id (16), call id (c_...) or line id (ln_...)"],
    )


def test_customers_with_usage_are_listed_when_asked_for_though_nobody_set_them(shop: Shop) -> None:
    shop.execute("customer.set", {"customer": "mule", "plan": "none"})
    for name in ("zebra", "aardvark", "mule"):
        shop.send(shop.call("2026-11-03T09:00:00Z", {"input": 1}, customer=name))
    assert [row["customer"] for row in shop.ask("customers.list").rows] == ["mule"]
    seen = shop.ask("customers.list", seen="true").rows
    assert [(row["customer"], row["plans"]) for row in seen] == [("aardvark", []), ("mule", ["none"]), ("zebra", [])]
    assert [row["customer"] for row in shop.ask("customers.list", seen="true", customer="zebra").rows] == ["zebra"]
