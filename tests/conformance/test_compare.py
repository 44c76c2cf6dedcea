"""A bill against calls: each verdict by example, and what no order or unknown may change."""

from __future__ import annotations

import pytest
from conformance.bill import Attempt, Seen
from conformance.compare import ABSENT, Verdict, compare
from hypothesis import given, settings
from hypothesis import strategies as st


def attempt(
    given: int = 100, output: int = 20, cache_read: int = 0, cache_write: int = 0, reasoning: int = 0, status: int = 200
) -> Attempt:
    return Attempt("s", "c", "openai.chat", status, "id", given, output, cache_read, cache_write, reasoning)


def seen(
    given: int | None = 100,
    output: int | None = 20,
    cache_read: int | None = None,
    cache_write: int | None = None,
    reasoning: int | None = None,
    quality: str = "exact",
    outcome: str = "complete",
) -> Seen:
    return Seen(given, output, cache_read, cache_write, reasoning, quality, outcome)


FAILED = attempt(0, 0, status=429)
NOTHING = seen(None, None, quality="unmeasured", outcome="failed")


@pytest.mark.parametrize(
    ("bill", "calls", "there", "verdict"),
    [
        ([attempt()], [seen()], {100, 20}, Verdict.EXACT),
        ([attempt(), attempt(200)], [seen(200), seen()], set(), Verdict.EXACT),
        ([FAILED, attempt()], [NOTHING, seen()], set(), Verdict.EXACT),
        ([FAILED, FAILED], [NOTHING], set(), Verdict.EXACT),
        ([attempt(output=0)], [seen(output=None)], set(), Verdict.EXACT),
        ([attempt()], [NOTHING], set(), Verdict.MARKED),
        ([attempt()], [seen(output=3, quality="estimated")], {100}, Verdict.MARKED),
        ([attempt(cache_read=60)], [seen()], {100, 20}, Verdict.UNKNOWN),
        ([attempt(), attempt(200, 30)], [seen()], {100, 20}, Verdict.UNSEEN),
        ([attempt(140)], [seen(100)], {100, 20}, Verdict.MISSTATED),
        ([attempt(cache_read=60)], [seen()], {100, 20, 60}, Verdict.WRONG),
        ([attempt(), attempt(200)], [seen()], {100, 20, 200}, Verdict.WRONG),
        ([attempt()], [seen(cache_read=60)], {100, 20, 60}, Verdict.WRONG),
        ([attempt()], [seen(output=0)], set(), Verdict.SILENT_ZERO),
        ([attempt()], [seen(output=None)], set(), Verdict.SILENT_ZERO),
        ([attempt()], [seen(None, None)], set(), Verdict.SILENT_ZERO),
        ([attempt()], [seen(), seen()], set(), Verdict.DOUBLE),
        ([attempt()], [seen(200)], set(), Verdict.DOUBLE),
        ([attempt()], [seen(), NOTHING], set(), Verdict.DOUBLE),
    ],
)
def test_each_verdict(bill: list[Attempt], calls: list[Seen], there: set[int], verdict: Verdict) -> None:
    assert compare(bill, calls, there.__contains__).verdict == verdict


def test_the_reasons_are_named() -> None:
    found = compare([attempt(140, cache_read=60)], [seen(100)], {60}.__contains__)
    assert found.missing == {"input": (140,), "cache_read": (60,)}
    assert found.absent == {"input": (140,)}
    assert found.calls_right


def test_an_absent_figure_is_no_bad_verdict() -> None:
    assert {Verdict.EXACT, Verdict.WRONG, Verdict.SILENT_ZERO, Verdict.DOUBLE}.isdisjoint(ABSENT)


figures = st.builds(attempt, *(st.integers(1, 50) for _ in range(5)))


@settings(max_examples=100, deadline=None)
@given(st.lists(figures, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_the_bill_itself_is_exact_in_any_order(bill: list[Attempt], rng: object) -> None:
    calls = [Seen(a.input, a.output, a.cache_read, a.cache_write, a.reasoning, "exact", "complete") for a in bill]
    rng.shuffle(calls)  # type: ignore[attr-defined]
    assert compare(bill, calls, lambda _wanted: True).verdict == Verdict.EXACT
    assert compare(bill, [*calls, calls[0]], lambda _wanted: True).verdict == Verdict.DOUBLE
