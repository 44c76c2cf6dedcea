"""Calendar months in a time zone, as the overview walks through them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from tollspan_rater.domain.clock import from_ns
from tollspan_rater.errors import UsageError
from tollspan_rater.pricing.period import YEARS

_LABEL: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Month:
    """One month by its first day."""

    first: date

    @property
    def label(self) -> str:
        """Return it as ``2026-11``."""
        return self.first.isoformat()[:7]

    def before(self) -> Month:
        """Return the month before."""
        return Month((self.first - timedelta(days=1)).replace(day=1))

    def after(self) -> Month:
        """Return the month after."""
        return Month((self.first + timedelta(days=31)).replace(day=1))


def month_of(label: str) -> Month:
    """Read a month.

    Raises:
        UsageError: it is none.
    """
    found = _LABEL.fullmatch(label)
    if found is None or not YEARS.start < int(found[1]) < YEARS.stop - 1:
        raise UsageError(f"{label[:40]!r} is no month: give one, for example 2026-11")
    return Month(date(int(found[1]), int(found[2]), 1))


def month_at(at_ns: int, zone: str) -> Month:
    """Return the month in which an instant lies in a zone."""
    return Month(from_ns(at_ns).astimezone(ZoneInfo(zone)).date().replace(day=1))
