"""Closed periods stay, and the calendar goes on around them without a gap or an overlap."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tollspan_rater.pricing.closed_time import beside
from tollspan_rater.pricing.cycle import Cycle
from tollspan_rater.pricing.period import Period, period, period_at

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia")
EVERY = ("week", "month", "quarter", "year")
DAY = 86_400 * 10**9
START = period("2026-01", "UTC").start_ns
OCTOBER, NOVEMBER = period("2026-10", "Europe/Berlin"), period("2026-11", "America/New_York")
HOUR = DAY // 24


@pytest.mark.parametrize(
    ("instant", "label", "hours"),
    [
        (OCTOBER.start_ns - 1, "2026-09", 714),  # New York's September ends where Berlin's October begins
        (OCTOBER.start_ns, "2026-10", 745),
        (OCTOBER.end_ns, "2026-10-31", 5),  # a rest of New York's October
        (NOVEMBER.start_ns, "2026-11", 721),
    ],
)
def test_around_a_closed_month_of_another_zone(instant: int, label: str, hours: int) -> None:
    found = beside((OCTOBER,), period_at(Cycle(), instant, "America/New_York"), instant)
    assert (found.label, (found.end_ns - found.start_ns) // HOUR) == (label, hours)
    assert instant in found


@settings(max_examples=150, deadline=None)
@given(
    closed=st.lists(st.tuples(st.sampled_from(ZONES), st.sampled_from(EVERY)), max_size=3),
    zone=st.sampled_from(ZONES),
    every=st.sampled_from(EVERY),
    days=st.lists(st.integers(0, 700), min_size=1, max_size=8),
)
def test_every_instant_lies_in_one_period(
    closed: list[tuple[str, str]], zone: str, every: str, days: list[int]
) -> None:
    """Periods follow each other from the first to the last; the closed ones are among them as they were."""
    made: list[Period] = []
    at_ns = START
    for other, length in closed:  # each closed by the calendar of its time, one after the other
        made.append(beside(tuple(made), period_at(Cycle(length), at_ns, other), at_ns))
        at_ns = made[-1].end_ns
    for day in days:
        instant = START + day * DAY
        found = beside(tuple(made), period_at(Cycle(every), instant, zone), instant)
        following = beside(tuple(made), period_at(Cycle(every), found.end_ns, zone), found.end_ns)
        assert instant in found
        assert following.start_ns == found.end_ns
        assert all(found == one or found.end_ns <= one.start_ns or found.start_ns >= one.end_ns for one in made)


def test_nothing_closed_changes_nothing() -> None:
    whole = period_at(Cycle(), START, "UTC")
    assert beside((), whole, START) is whole
