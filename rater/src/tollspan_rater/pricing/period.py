"""Billing periods: half-open spans of time that begin at local midnight in a time zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tollspan_rater.domain.clock import from_ns, to_ns
from tollspan_rater.errors import ConfigError

MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Period:
    """The instants from ``start_ns`` up to, not including, ``end_ns``; a month of ``zone``, labelled ``2026-11``."""

    start_ns: int
    end_ns: int
    label: str
    zone: str

    def __contains__(self, instant_ns: int) -> bool:
        return self.start_ns <= instant_ns < self.end_ns


def known_zone(zone: str) -> bool:
    """Tell whether a name is one of the IANA time zone database."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of the database
        return False
    return True


@lru_cache(maxsize=1024)
def period(label: str, zone: str) -> Period:
    """Return the month ``YYYY-MM`` of a time zone.

    A midnight that a change of the clocks skips is the instant of the change; of two, it is the first.

    Raises:
        ConfigError: for a label that is no month, or a zone that does not exist.
    """
    match = MONTH.fullmatch(label)
    if match is None or not 1970 <= int(match[1]) < 2200:  # noqa: PLR2004 -- nanoseconds in 64 bits end in 2262
        raise ConfigError("period", label, "the question", "write a month as YYYY-MM, like 2026-11")
    if not known_zone(zone):
        raise ConfigError("zone", zone, "the question", "write an IANA time zone, like Europe/Berlin or UTC")
    year, month = int(match[1]), int(match[2])
    following = (year + 1, 1) if month == 12 else (year, month + 1)  # noqa: PLR2004 -- December
    return Period(_midnight(year, month, zone), _midnight(*following, zone), label, zone)


def month_of(instant_ns: int, zone: str) -> Period:
    """Return the month of a time zone that contains an instant (nanoseconds since 1970 in UTC)."""
    if not known_zone(zone):
        raise ConfigError("zone", zone, "the question", "write an IANA time zone, like Europe/Berlin or UTC")
    local = from_ns(instant_ns).astimezone(ZoneInfo(zone))
    found = period(f"{local.year:04}-{local.month:02}", zone)
    if instant_ns >= found.end_ns:  # clocks set back across midnight: the local date repeats, the period does not
        local_next = from_ns(found.end_ns).astimezone(ZoneInfo(zone))
        found = period(f"{local_next.year:04}-{local_next.month:02}", zone)
    return found


def _midnight(year: int, month: int, zone: str) -> int:
    return to_ns(datetime(year, month, 1, tzinfo=ZoneInfo(zone)))
