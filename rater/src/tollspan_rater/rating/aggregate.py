"""Aggregates: how the events of a period become one quantity.

All but the latest are the same in any order of events. An event with a negative quantity takes one back that
counted before, so that a correction undoes what it corrects.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final, Protocol

from tollspan_rater.domain.money import EXACT

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)
At = tuple[int, str]  # service time and key of an event


class Aggregate(Protocol):
    """The quantity that the events taken so far come to."""

    @property
    def quantity(self) -> Decimal:
        """The quantity so far; 0 without events."""

    def take(self, quantity: Decimal, at: At, of: str | None) -> Decimal:
        """Take one event: its quantity, its place in time, its value of the counted dimension; return the change."""


class Total:
    """The sum of the quantities."""

    def __init__(self) -> None:
        self.quantity = ZERO

    def take(self, quantity: Decimal, _at: At, _of: str | None) -> Decimal:
        """Add the quantity."""
        self.quantity = EXACT.add(self.quantity, quantity)
        return quantity


class Count:
    """The number of events; one with a negative quantity counts -1."""

    def __init__(self) -> None:
        self.quantity = ZERO

    def take(self, quantity: Decimal, _at: At, _of: str | None) -> Decimal:
        """Count the event, whatever its quantity is."""
        change = ONE if quantity >= ZERO else -ONE
        self.quantity = EXACT.add(self.quantity, change)
        return change


class Unique:
    """The number of different values; one counts as long as more events state it than take it back."""

    def __init__(self) -> None:
        self.quantity = ZERO
        self._events: dict[str, int] = {}

    def take(self, quantity: Decimal, _at: At, of: str | None) -> Decimal:
        """Count the event's value, whatever its quantity is; an event without a value counts nothing."""
        if of is None:
            return ZERO
        before = self._events.get(of, 0)
        after = self._events[of] = before + (1 if quantity >= ZERO else -1)
        change = Decimal((after > 0) - (before > 0))
        self.quantity = EXACT.add(self.quantity, change)
        return change


class Greatest:
    """The greatest quantity of all events."""

    def __init__(self) -> None:
        self._greatest: Decimal | None = None

    @property
    def quantity(self) -> Decimal:
        """The greatest so far."""
        return ZERO if self._greatest is None else self._greatest

    def take(self, quantity: Decimal, _at: At, _of: str | None) -> Decimal:
        """Keep the quantity if it is the greatest."""
        before = self.quantity
        self._greatest = quantity if self._greatest is None else max(self._greatest, quantity)
        return EXACT.subtract(self._greatest, before)


class Latest:
    """The quantity of the last event in time; of one time, that with the greatest key."""

    def __init__(self) -> None:
        self.quantity = ZERO
        self._at: At | None = None

    def take(self, quantity: Decimal, at: At, _of: str | None) -> Decimal:
        """Keep the quantity unless a later one is known."""
        before = self.quantity
        if self._at is None or at >= self._at:
            self.quantity, self._at = quantity, at
        return EXACT.subtract(self.quantity, before)


AGGREGATES: Final[dict[str, Callable[[], Aggregate]]] = {
    "sum": Total,
    "count": Count,
    "unique": Unique,
    "max": Greatest,
    "latest": Latest,
}
WORDS: Final[dict[str, str]] = {
    "sum": "the sum of the events",
    "count": "the number of events",
    "unique": "the number of different values",
    "max": "the greatest value",
    "latest": "the latest value",
}
