"""Billing cycles: how the days of a calendar are cut into periods, from an anchor day on and before it."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
INTERVALS: Final = ("week", *MONTHS)
WEEK: Final = timedelta(days=7)
FIRST_DAY: Final = date(1970, 1, 1)
FIRST_MONDAY: Final = date(1970, 1, 5)

CALENDAR_LABELS: Final[dict[str, Callable[[date], str]]] = {
    "week": lambda day: f"{day.isocalendar().year:04}-W{day.isocalendar().week:02}",
    "month": lambda day: f"{day.year:04}-{day.month:02}",
    "quarter": lambda day: f"{day.year:04}-Q{(day.month + 2) // 3}",
    "year": lambda day: f"{day.year:04}",
}


@dataclass(frozen=True, slots=True)
class Cycle:
    """Periods of one ``every`` after the other, such that one begins on the day ``anchor``.

    Without an anchor they are those of the calendar: weeks begin on Monday, quarters in January, April, July
    and October. A period that would begin on a day that its month does not have begins on the month's last
    day; the next one returns to the anchor's day: 31 January, 28 February, 31 March.
    """

    every: str = "month"
    anchor: date | None = None

    def index(self, day: date) -> int:
        """Return the number of the period that contains a day; the one that begins on the anchor has 0."""
        first = self._first()
        months = MONTHS.get(self.every)
        if months is None:
            return (day - first) // WEEK
        number = ((day.year - first.year) * 12 + day.month - first.month) // months
        return number if self.first_day(number) <= day else number - 1

    def first_day(self, number: int) -> date:
        """Return the day on which a period begins, by its number."""
        first = self._first()
        months = MONTHS.get(self.every)
        if months is None:
            return first + number * WEEK
        year, month = divmod(first.year * 12 + first.month - 1 + number * months, 12)
        return date(year, month + 1, min(first.day, monthrange(year, month + 1)[1]))

    def label(self, number: int) -> str:
        """Return what a period is called: ``2026-W47``, ``2026-11``, ``2026-Q4``, ``2026``, or its first day."""
        day = self.first_day(number)
        return day.isoformat() if self.anchor else CALENDAR_LABELS[self.every](day)

    def _first(self) -> date:
        if self.anchor is not None:
            return self.anchor
        return FIRST_DAY if self.every in MONTHS else FIRST_MONDAY
