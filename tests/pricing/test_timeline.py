"""Which plan and prices hold when, and what was known of it."""

from __future__ import annotations

import pytest

from tollspan_rater.errors import ConfigError
from tollspan_rater.pricing.book import PriceBook, load
from tollspan_rater.pricing.period import Period
from tollspan_rater.pricing.timeline import (
    Applied,
    Assignment,
    book_at,
    plan_at,
    read_assignments,
    segments,
)

TEN = Period(0, 10, "ten", "UTC")


def book(price: int) -> PriceBook:
    plans = "".join(f"---\nplan: {name}\ncurrency: USD\ncards: [c]\n" for name in "ab")
    return load({"x.yaml": f"card: c\ncurrency: USD\nprices: [{{tokens: {price}}}]\n{plans}"})


V1, V2, V3 = book(1), book(2), book(3)
APPLIED = [Applied(V1, 0, 1), Applied(V2, 6, 2), Applied(V3, 3, 5)]


@pytest.mark.parametrize(
    ("instant", "known_at", "expected"),
    [
        (0, 9, V1), (2, 9, V1), (3, 9, V3), (5, 9, V3), (6, 9, V2),
        (3, 4, V1), (6, 4, V2),  # before the backdated book was recorded
        (6, 1, V1), (0, 0, None), (-1, 9, None),
    ],
)  # fmt: skip
def test_bitemporal(instant: int, known_at: int, expected: PriceBook | None) -> None:
    assert book_at(APPLIED, instant, known_at) is expected
    assert book_at(reversed(APPLIED), instant, known_at) is expected


def test_of_equal_starts_the_last_recorded_holds() -> None:
    assert book_at([Applied(V1, 3, 1), Applied(V2, 3, 2)], 3, 2) is V2
    assert plan_at([Assignment("a", 3), Assignment("b", 3)], 3) == "b"


@pytest.mark.parametrize(
    ("assignments", "expected"),
    [
        ([], [(0, 10, "no plan")]),
        ([Assignment("a", 0)], [(0, 3, V1.version), (3, 6, V3.version), (6, 10, V2.version)]),
        ([Assignment("a", 8)], [(0, 3, "no plan"), (3, 6, "no plan"), (6, 8, "no plan"), (8, 10, V2.version)]),
        ([Assignment("z", 6), Assignment(None, 9)], [(0, 3, "no plan"), (3, 6, "no plan"), (6, 9, "unknown plan"),
                                                    (9, 10, "no plan")]),
    ],
)  # fmt: skip
def test_segments_cover_the_period(assignments: list[Assignment], expected: list[tuple[int, int, str]]) -> None:
    found = segments(TEN, APPLIED, assignments, 9) if assignments else segments(TEN, [], assignments, 9)
    assert [(s.start_ns, s.end_ns, s.problem or s.version) for s in found] == expected
    assert all((segment.plan is None) == bool(segment.problem) for segment in found)


def test_without_prices_and_with_the_same_plan_again() -> None:
    assert [s.problem for s in segments(TEN, [], [Assignment("a", 0)], 9)] == ["no prices"]
    again = [Assignment("a", 0), Assignment("a", 5)]
    assert [(s.start_ns, s.end_ns) for s in segments(TEN, APPLIED[:1], again, 9)] == [(0, 10)]


def test_assignments_begin_at_local_midnight() -> None:
    read = read_assignments([{"plan": "a"}, {"plan": "b", "from": "2026-11-01"}], "Europe/Berlin")
    (first, second) = read
    assert (first.plan, first.from_ns, second.plan) == ("a", 0, "b")
    assert second.from_ns == read_assignments([{"plan": "b", "from": "2026-10-31T23:00:00Z"}], "UTC")[0].from_ns
    with pytest.raises(ConfigError, match="2026-11-01"):
        read_assignments([{"plan": "a", "from": "tomorrow"}], "UTC")
