"""Every instant lies in exactly one period of every cycle in every time zone."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tollspan_rater.domain.clock import from_ns, to_ns
from tollspan_rater.errors import ConfigError
from tollspan_rater.pricing.cycle import INTERVALS, Cycle
from tollspan_rater.pricing.period import period, period_at

ZONES = sorted(available_timezones())
HOUR = 3_600_000_000_000


def shift(label: str, months: int) -> str:
    year, month = divmod(int(label[:4]) * 12 + int(label[5:]) - 1 + months, 12)
    return f"{year:04}-{month + 1:02}"


@settings(max_examples=1500, deadline=None)
@given(st.sampled_from(ZONES), st.integers(to_ns(from_ns(86400 * 40 * 10**9)), 4_000_000_000 * 10**9))
@example("America/St_Johns", 1_257_043_500 * 10**9)  # clocks went back from 00:01 on 1 November 2009
@example("America/St_Johns", 1_257_046_500 * 10**9)
def test_each_instant_is_in_one_period(zone: str, instant: int) -> None:
    found = period_at(Cycle(), instant, zone)
    assert instant in found
    assert found == period(found.label, zone)
    assert period(shift(found.label, -1), zone).end_ns == found.start_ns
    assert period(shift(found.label, 1), zone).start_ns == found.end_ns


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.sampled_from(INTERVALS),
    st.none() | st.dates(date(2000, 1, 1), date(2030, 12, 31)),
    st.integers(to_ns(from_ns(86400 * 800 * 10**9)), 4_000_000_000 * 10**9),
)
@example("Pacific/Apia", "week", date(2011, 12, 30), 1_325_239_200 * 10**9)  # a day that this zone never had
def test_periods_of_any_cycle_cover_time(zone: str, every: str, anchor: date | None, instant: int) -> None:
    cycle = Cycle(every, anchor)
    found = period_at(cycle, instant, zone)
    assert instant in found
    assert period_at(cycle, found.start_ns, zone) == found == period_at(cycle, found.end_ns - 1, zone)
    assert period_at(cycle, found.end_ns, zone).start_ns == found.end_ns
    assert period_at(cycle, found.start_ns - 1, zone).end_ns == found.start_ns
    if anchor is None:
        assert period(found.label, zone) == found
    else:
        assert period(found.label, zone).start_ns == found.start_ns


@pytest.mark.parametrize(
    ("every", "anchor", "days"),
    [
        ("month", "2026-01-31", ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]),
        ("month", "2024-01-30", ["2024-01-30", "2024-02-29", "2024-03-30"]),
        ("quarter", "2025-11-30", ["2025-11-30", "2026-02-28", "2026-05-30", "2026-08-30"]),
        ("year", "2024-02-29", ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]),
        ("week", "2026-11-19", ["2026-11-19", "2026-11-26", "2026-12-03"]),
    ],
)
def test_the_end_of_a_month_clamps_and_returns(every: str, anchor: str, days: list[str]) -> None:
    cycle = Cycle(every, date.fromisoformat(anchor))
    assert [cycle.label(number) for number in range(len(days))] == days
    assert [cycle.index(date.fromisoformat(day)) for day in days] == list(range(len(days)))
    assert cycle.index(date.fromisoformat(days[0]) - timedelta(days=1)) == -1


@pytest.mark.parametrize(
    ("label", "first", "last"),
    [
        ("2026-W01", "2025-12-29", "2026-01-04"),
        ("2026-W53", "2026-12-28", "2027-01-03"),
        ("2026-Q1", "2026-01-01", "2026-03-31"),
        ("2026", "2026-01-01", "2026-12-31"),
        ("2026-11-15", "2026-11-15", "2026-11-15"),
    ],
)
def test_labels(label: str, first: str, last: str) -> None:
    named = period(label, "UTC")
    assert (named.label, from_ns(named.start_ns).date().isoformat()) == (label, first)
    assert from_ns(named.end_ns - 1).date().isoformat() == last


@pytest.mark.parametrize(
    ("label", "zone", "hours"),
    [
        ("2026-11", "UTC", 720),
        ("2026-11", "America/New_York", 721),  # clocks go back
        ("2026-03", "Europe/Berlin", 743),  # clocks go forward
        ("2024-02", "UTC", 696),
        ("2026-12", "Asia/Kolkata", 744),
        ("2026-10-25", "Europe/Berlin", 25),
        ("2026-03-29", "Europe/Berlin", 23),
        ("2026-W44", "America/New_York", 169),
    ],
)
def test_lengths(label: str, zone: str, hours: int) -> None:
    month = period(label, zone)
    assert month.end_ns - month.start_ns == hours * HOUR


def test_bounds_are_half_open() -> None:
    november = period("2026-11", "Asia/Tokyo")
    assert from_ns(november.start_ns).isoformat() == "2026-10-31T15:00:00+00:00"
    assert period_at(Cycle(), november.end_ns - 1, "Asia/Tokyo") == november
    assert period_at(Cycle(), november.end_ns, "Asia/Tokyo").label == "2026-12"


@pytest.mark.parametrize(
    ("label", "zone"),
    [
        ("2026-13", "UTC"),
        ("11/2026", "UTC"),
        ("9999-01", "UTC"),
        ("2026-11", "X/Y"),
        ("2025-W53", "UTC"),
        ("2026-W00", "UTC"),
        ("2026-Q5", "UTC"),
        ("2026-02-30", "UTC"),
        ("26", "UTC"),
    ],
)
def test_what_is_no_period(label: str, zone: str) -> None:
    with pytest.raises(ConfigError, match="cannot be used: write"):
        period(label, zone)


def test_an_unknown_zone_has_no_months() -> None:
    with pytest.raises(ConfigError, match="IANA"):
        period_at(Cycle(), 0, "../etc")
