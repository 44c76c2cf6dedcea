"""What a sending process lost is listed, also when it was killed with calls under way and nothing came after them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from query.shop import Shop
from tollspan import ended
from tollspan.export import request
from tollspan.segment import Expected

PROCESS = "ab" * 8


def sent(shop: Shop, numbers: Iterable[int], *expected: int, process: str = PROCESS) -> None:
    """Send records with these numbers, and what was told of the killed process."""
    for number in numbers:
        shop.send(replace(shop.call("2026-11-03T10:00:00Z", {"input": 1}), process_id=process, seq=number))
    for records in expected:
        shop.put(request(b"", [ended.encoded(Expected(process, records, 1_762_164_000_000_000_000))]))


def row(shop: Shop, process: str = PROCESS) -> dict[str, Any]:
    (found,) = shop.ask("audit", sender=process).rows
    return dict(found)


@pytest.mark.parametrize(
    ("numbers", "expected", "highest", "gaps"),
    [
        ((1, 2, 3), (), 3, []),
        ((1, 3, 6), (), 6, ["2", "4-5"]),
        ((1, 2), (2,), 2, []),
        ((1, 2), (3,), 3, ["3"]),
        ((), (2,), 2, ["1-2"]),
        ((1, 4), (6, 5), 6, ["2-3", "5-6"]),
        ((1, 2, 3, 4), (2,), 4, []),
        ((2, 3), (3, 3), 3, ["1"]),
    ],
)
def test_what_never_came_is_listed(
    shop: Shop, numbers: tuple[int, ...], expected: tuple[int, ...], highest: int, gaps: list[str]
) -> None:
    sent(shop, numbers, *expected)
    found = row(shop)
    assert (found["highest_seq"], found["received"], found["gaps"]) == (highest, len(numbers), gaps)
    assert shop.ask("audit", sender=PROCESS).ok is (not gaps)
    audit = shop.ask("audit", full="true")
    assert audit.ok, audit
    assert len(shop.ask("calls").rows) == len(numbers)


def test_all_senders_are_listed_with_what_each_lost(shop: Shop) -> None:
    assert list(shop.ask("audit", senders="true").rows) == []
    other = "cd" * 8
    sent(shop, (1, 3))
    sent(shop, (1,), process=other)
    answer = shop.ask("audit", senders="true")
    assert [(row["process_id"], row["missing"], row["gaps"]) for row in answer.rows] == [
        (PROCESS, 1, ["2"]),
        (other, 0, []),
    ]
    assert not answer.ok


@given(numbers=st.sets(st.integers(1, 9)), more=st.integers(0, 3))
@settings(max_examples=5, deadline=None)
def test_received_and_missing_are_what_was_expected(open_shop: Any, numbers: set[int], more: int) -> None:
    shop = open_shop()
    expected = max(numbers, default=0) + more
    sent(shop, sorted(numbers), *([expected] if expected else []))
    if not expected:
        return
    found = row(shop)
    assert found["received"] == len(numbers)
    assert found["missing"] == expected - len(numbers)
    assert shop.ask("audit").ok
