"""Windows of local time: from a minute to a quarter, in a time zone, with the days on which clocks change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from tollspan_rater.domain.clock import from_ns, to_ns

_MINUTE_NS: Final = 60_000_000_000
_QUARTER_NS: Final = 15 * _MINUTE_NS  # zones differ by quarters of an hour at the finest
_MONTHS: Final = 3


def _clock(at: datetime) -> str:
    """Write a minute with its offset: an hour that comes twice when clocks are set back is two windows."""
    return at.isoformat(timespec="minutes").replace("+00:00", "Z")


WINDOWS: Final[Mapping[str, Callable[[datetime], str]]] = {
    "minute": lambda at: _clock(at.replace(second=0, microsecond=0)),
    "hour": lambda at: _clock(at.replace(minute=0, second=0, microsecond=0)),
    "day": lambda at: at.strftime("%Y-%m-%d"),
    "week": lambda at: (at - timedelta(days=at.weekday())).strftime("%G-W%V"),
    "month": lambda at: at.strftime("%Y-%m"),
    "quarter": lambda at: f"{at.year}-Q{(at.month - 1) // _MONTHS + 1}",
}


_FIRST_DAYS: Final[Mapping[str, Callable[[str], str]]] = {  # of windows that are named by their days
    "day": lambda text: text,
    "week": lambda text: f"{text}-1",
    "month": lambda text: f"{text}-01",
    "quarter": lambda text: f"{text[:4]}-{_MONTHS * int(text[-1]) - _MONTHS + 1:02}-01",
}


def window_of(name: str, zone: str) -> Callable[[int], str]:
    """Return how to tell the window in which an instant (nanoseconds since 1970) lies."""
    at, written, step = ZoneInfo(zone), WINDOWS[name], unit_of([name])
    known: dict[int, str] = {}

    def window(instant_ns: int) -> str:
        place = instant_ns // step
        text = known.get(place)
        if text is None:
            text = known[place] = written(from_ns(place * step).astimezone(at))
        return text

    return window


def begin_of(name: str, label: str, zone: str) -> int:
    """Return the instant at which the window of a label begins.

    Raises:
        ValueError: the label is that of no window.
    """
    if name in _FIRST_DAYS:
        return to_ns(datetime.fromisoformat(_FIRST_DAYS[name](label)).replace(tzinfo=ZoneInfo(zone)))
    return to_ns(datetime.fromisoformat(label))


def edges(names: Sequence[str], zone: str, span: tuple[int, int]) -> list[int]:
    """Return the instants at which any of some windows changes, the first at or before the span's beginning."""
    step = unit_of(names)
    first, last = span[0] // step, span[1] // step
    if not names:
        return [first * step]
    if "minute" in names:  # nothing is finer: another window begins with each
        return [place * step for place in range(first, last + 1)]
    windows = [window_of(name, zone) for name in names]
    found: list[int] = []
    before: list[str] = []
    for place in range(first, last + 1):
        now = [window(place * step) for window in windows]
        if now != before:
            found.append(place * step)
            before = now
    return found


def unit_of(names: Sequence[str]) -> int:
    """Return a length of time, in nanoseconds since 1970, at multiples of which all windows of some names begin."""
    return _MINUTE_NS if "minute" in names else _QUARTER_NS
