"""Every instant lies in exactly one month of every time zone."""

from __future__ import annotations

from zoneinfo import available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tollspan_rater.domain.clock import from_ns, to_ns
from tollspan_rater.errors import ConfigError
from tollspan_rater.pricing.period import month_of, period

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
    found = month_of(instant, zone)
    assert instant in found
    assert found == period(found.label, zone)
    assert period(shift(found.label, -1), zone).end_ns == found.start_ns
    assert period(shift(found.label, 1), zone).start_ns == found.end_ns


@pytest.mark.parametrize(
    ("label", "zone", "hours"),
    [
        ("2026-11", "UTC", 720),
        ("2026-11", "America/New_York", 721),  # clocks go back
        ("2026-03", "Europe/Berlin", 743),  # clocks go forward
        ("2024-02", "UTC", 696),
        ("2026-12", "Asia/Kolkata", 744),
    ],
)
def test_lengths(label: str, zone: str, hours: int) -> None:
    month = period(label, zone)
    assert month.end_ns - month.start_ns == hours * HOUR


def test_bounds_are_half_open() -> None:
    november = period("2026-11", "Asia/Tokyo")
    assert from_ns(november.start_ns).isoformat() == "2026-10-31T15:00:00+00:00"
    assert month_of(november.end_ns - 1, "Asia/Tokyo") == november
    assert month_of(november.end_ns, "Asia/Tokyo").label == "2026-12"


@pytest.mark.parametrize(
    ("label", "zone"), [("2026-13", "UTC"), ("11/2026", "UTC"), ("9999-01", "UTC"), ("2026-11", "X/Y")]
)
def test_what_is_no_period(label: str, zone: str) -> None:
    with pytest.raises(ConfigError, match="cannot be used: write"):
        period(label, zone)


def test_an_unknown_zone_has_no_months() -> None:
    with pytest.raises(ConfigError, match="IANA"):
        month_of(0, "../etc")
