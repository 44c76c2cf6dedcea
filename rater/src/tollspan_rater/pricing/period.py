"""Billing periods: half-open spans of time that begin at local midnight in a time zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tollspan_rater.domain.clock import from_ns, to_ns
from tollspan_rater.errors import ConfigError
from tollspan_rater.pricing.cycle import Cycle

LABEL: Final = re.compile(
    r"(?P<year>\d{4})(-((?P<month>0[1-9]|1[0-2])(-(?P<day>\d\d))?|Q(?P<quarter>[1-4])|W(?P<week>[0-5]\d)))?"
)
LABELS: Final = "2026-11, 2026-W47, 2026-Q4, 2026, or the day it begins, 2026-11-15"
YEARS: Final = range(1970, 2200)  # nanoseconds in 64 bits end in 2262


@dataclass(frozen=True, slots=True)
class Period:
    """The instants from ``start_ns`` up to, not including, ``end_ns``.

    ``label`` names it: ``2026-11``, ``2026-W47``, ``2026-Q4``, ``2026``, or the day on which it begins in
    ``zone``. ``cycle_ns`` is the length of the whole cycle where a change of plan cut the period short.
    """

    start_ns: int
    end_ns: int
    label: str
    zone: str
    cycle_ns: int | None = None

    def __contains__(self, instant_ns: int) -> bool:
        return self.start_ns <= instant_ns < self.end_ns

    @property
    def whole_ns(self) -> int:
        """Return the time that a price for a whole period pays for."""
        return self.end_ns - self.start_ns if self.cycle_ns is None else self.cycle_ns


def known_zone(zone: str) -> bool:
    """Tell whether a name is one of the IANA time zone database."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of the database
        return False
    return True


@lru_cache(maxsize=1024)
def period(label: str, zone: str) -> Period:
    """Return the week, month, quarter, year or day of a time zone that a label names.

    A midnight that a change of the clocks skips is the instant of the change; of two, it is the first.

    Raises:
        ConfigError: for a label that names none, or a zone that does not exist.
    """
    _check_zone(zone)
    match = LABEL.fullmatch(label)
    try:
        every, day = _named(match) if match else ("", date.min)
    except ValueError:
        match = None
    if match is None or int(match["year"]) not in YEARS:
        raise ConfigError("period", label, "the question", f"write one of {LABELS}")
    if every == "day":
        return Period(midnight(day, zone), midnight(day + timedelta(days=1), zone), label, zone)
    cycle = Cycle(every)
    return period_of(cycle, cycle.index(day), zone)


def period_at(cycle: Cycle, instant_ns: int, zone: str) -> Period:
    """Return the period of a cycle that contains an instant."""
    _check_zone(zone)
    number = cycle.index(local_day(instant_ns, zone))
    found = period_of(cycle, number, zone)
    if instant_ns >= found.end_ns:  # clocks set back across midnight: the local date repeats, the period does not
        found = period_of(cycle, number + 1, zone)
    return found


@lru_cache(maxsize=4096)
def period_of(cycle: Cycle, number: int, zone: str) -> Period:
    """Return a period of a cycle by its number."""
    start, end = (midnight(cycle.first_day(at), zone) for at in (number, number + 1))
    return Period(start, end, cycle.label(number), zone)


def midnight(day: date, zone: str) -> int:
    """Return the instant at which a day begins in a time zone."""
    return to_ns(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)))


def local_day(instant_ns: int, zone: str) -> date:
    """Return the day of a time zone in which an instant lies."""
    return from_ns(instant_ns).astimezone(ZoneInfo(zone)).date()


def _named(match: re.Match[str]) -> tuple[str, date]:
    """Return the interval that a label names, and a day in it."""
    year = int(match["year"])
    if match["week"]:
        return "week", date.fromisocalendar(year, int(match["week"]), 1)
    if match["quarter"]:
        return "quarter", date(year, int(match["quarter"]) * 3, 1)
    if match["day"]:
        return "day", date(year, int(match["month"]), int(match["day"]))
    return ("month", date(year, int(match["month"]), 1)) if match["month"] else ("year", date(year, 1, 1))


def _check_zone(zone: str) -> None:
    if not known_zone(zone):
        raise ConfigError("zone", zone, "the question", "write an IANA time zone, like Europe/Berlin or UTC")
