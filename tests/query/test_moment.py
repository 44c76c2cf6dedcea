"""Moments of knowledge: what an answer waits for, and what it holds."""

from __future__ import annotations

import pytest

from query.shop import Shop
from tollspan_rater.query.moment import wanted_position


@pytest.mark.parametrize(
    ("as_of", "wanted"),
    [(None, 90), ("now", 90), ("2026-11-01", 90), ("17", 17), ("90", 90), ("91", 90), ("stored", 0)],
)
def test_an_answer_waits_for_what_it_is_to_hold(as_of: str | None, wanted: int) -> None:
    assert wanted_position(as_of, last=90) == wanted


def test_stored_is_now_when_nothing_is_on_its_way(shop: Shop) -> None:
    shop.send(shop.call("2026-11-03T10:00Z", {"input": 7, "output": 1}, customer="acme"))
    assert shop.ask("usage", as_of="stored") == shop.ask("usage", as_of="now")


def test_quarantine_is_listed_as_it_was(shop: Shop) -> None:
    before = shop.send(shop.call("2027-11-03T10:00Z", {"input": 1, "output": 1}))
    after = shop.send(shop.call("2027-11-04T10:00Z", {"input": 2, "output": 1}))
    found = {at: len(shop.ask("quarantine.list", as_of=str(at)).rows) for at in (before - 1, before, after)}
    assert found == {before - 1: 0, before: 1, after: 2}


def test_what_is_set_between_two_questions_shows_in_the_second(shop: Shop) -> None:
    assert shop.ask("customers.list").rows == []
    begin = shop.execute("customer.set", {"customer": "acme", "segment": "large"}).position
    assert [row["segment"] for row in shop.ask("customers.list").rows] == ["large"]
    shop.send(shop.call("2026-11-03T10:00Z", {"input": 1, "output": 1}, customer="acme"))
    assert [row["segment"] for row in shop.ask("usage", by="segment").rows] == ["large"]
    then = shop.execute("customer.set", {"customer": "acme", "segment": "small"}).position
    assert [row["segment"] for row in shop.ask("usage", by="segment").rows] == ["small"]
    assert [row["segment"] for row in shop.ask("usage", by="segment", as_of=str(then - 1)).rows] == ["large"]
    assert shop.ask("customers.list", as_of=str(begin - 1)).rows == []
    assert [row["segment"] for row in shop.ask("usage", by="segment").rows] == ["small"]
