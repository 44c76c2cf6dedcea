"""Time as an argument."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time in nanoseconds since 1970 in UTC; the only source of 'now'."""

    def now_ns(self) -> int:
        """Return the current time in nanoseconds since the epoch."""
        ...


class FixedClock:
    """A clock that stands still until it is told to move; for tests and simulations."""

    def __init__(self, at_ns: int) -> None:
        self._now = at_ns

    def now_ns(self) -> int:
        """Return the time it was set to."""
        return self._now

    def set(self, at_ns: int) -> None:
        """Move to an instant, forwards or backwards."""
        self._now = at_ns


def from_ns(at_ns: int) -> datetime:
    """Convert nanoseconds since the epoch to an aware UTC datetime, cut to microseconds."""
    seconds, rest = divmod(at_ns, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)


def to_ns(at: datetime) -> int:
    """Convert an aware datetime to nanoseconds since the epoch, exactly.

    Raises:
        ValueError: for a datetime without a zone, which names no instant.
    """
    if at.tzinfo is None:
        msg = f"{at.isoformat()} has no time zone; give one, for example {at.isoformat()}Z"
        raise ValueError(msg)
    delta = at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000_000 + delta.microseconds * 1000
