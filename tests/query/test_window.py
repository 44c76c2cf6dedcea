"""Windows of local time, also on the days on which clocks change."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query.shop import SECOND, at
from tollspan_rater.domain.clock import from_ns
from tollspan_rater.query.window import WINDOWS, begin_of, edges, window_of

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Auckland")


@pytest.mark.parametrize(
    ("name", "zone", "instant", "label"),
    [
        ("minute", "UTC", "2026-11-03T10:00:59.999Z", "2026-11-03T10:00Z"),
        ("minute", "Asia/Kolkata", "2026-11-03T10:00:00Z", "2026-11-03T15:30+05:30"),
        ("hour", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T02:00+02:00"),  # the hour that
        ("hour", "Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25T02:00+01:00"),  # comes twice
        ("day", "Europe/Berlin", "2026-10-25T22:59:59Z", "2026-10-25"),  # a day of 25 hours
        ("day", "America/New_York", "2026-11-02T04:59:59Z", "2026-11-01"),
        ("week", "UTC", "2027-01-03T23:59:59Z", "2026-W53"),  # the Sunday of the week that begins in December
        ("week", "Asia/Kolkata", "2027-01-03T23:59:59Z", "2027-W01"),
        ("month", "Pacific/Auckland", "2026-10-31T11:00:00Z", "2026-11"),
        ("quarter", "UTC", "2026-09-30T23:59:59Z", "2026-Q3"),
        ("quarter", "Europe/Berlin", "2026-09-30T22:00:00Z", "2026-Q4"),
    ],
)
def test_an_instant_lies_in_its_window(name: str, zone: str, instant: str, label: str) -> None:
    assert window_of(name, zone)(at(instant)) == label


instants = st.integers(at("2026-10-24T00:00Z"), at("2026-11-03T00:00Z"))


@given(st.sampled_from(sorted(WINDOWS)), st.sampled_from(ZONES), instants)
def test_a_window_is_what_the_local_date_says(name: str, zone: str, instant_ns: int) -> None:
    local = from_ns(instant_ns).astimezone(ZoneInfo(zone))
    year, week, _ = local.isocalendar()
    offset = local.strftime("%z")
    shown = "Z" if offset == "+0000" else f"{offset[:3]}:{offset[3:]}"
    expected = {
        "minute": f"{local:%Y-%m-%dT%H:%M}{shown}",
        "hour": f"{local:%Y-%m-%dT%H}:00{shown}",
        "day": str(local.date()),
        "week": f"{year}-W{week:02}",
        "month": f"{local:%Y-%m}",
        "quarter": f"{local.year}-Q{-(-local.month // 3)}",
    }
    assert window_of(name, zone)(instant_ns) == expected[name]


@given(st.sampled_from(sorted(WINDOWS)), st.sampled_from(ZONES), st.integers(0, at("2060-01-01T00:00Z")) | instants)
def test_a_window_begins_where_its_label_begins(name: str, zone: str, instant_ns: int) -> None:
    window = window_of(name, zone)
    label = window(instant_ns)
    begin_ns = begin_of(name, label, zone)
    assert begin_ns <= instant_ns
    assert window(begin_ns) == label
    assert window(begin_ns - 1) != label


@given(st.lists(st.sampled_from(["hour", "day", "week", "month"]), max_size=2), st.sampled_from(ZONES), instants)
def test_windows_are_constant_between_their_edges(names: list[str], zone: str, first_ns: int) -> None:
    last_ns = first_ns + 90_000 * SECOND
    found = edges(names, zone, (first_ns, last_ns))
    assert found[0] <= first_ns
    assert found == sorted(set(found))
    windows = [window_of(name, zone) for name in names]
    for start, end in pairwise([*found, last_ns + SECOND]):
        for instant in range(start, end, 1800 * SECOND):
            assert [window(instant) for window in windows] == [window(start) for window in windows]
    assert all(
        [window(one) for window in windows] != [window(other) for window in windows] for one, other in pairwise(found)
    )


def test_a_day_on_which_clocks_are_set_back_has_25_hours() -> None:
    start = int(datetime(2026, 10, 25, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()) * SECOND
    hours = {window_of("hour", "Europe/Berlin")(start + minute * 60 * SECOND) for minute in range(25 * 60)}
    assert len(hours) == 25
    assert {hour[:10] for hour in hours} == {"2026-10-25"}
