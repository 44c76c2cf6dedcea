"""Price books as they were applied: from when they hold, and since when that is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tollspan_rater.pricing.book import PriceBook


@dataclass(frozen=True, slots=True)
class Applied:
    """A price book that was applied: it holds from ``valid_from_ns`` on and is known from ``position`` on."""

    book: PriceBook
    valid_from_ns: int
    position: int


def book_at(applied: Iterable[Applied], instant_ns: int, known_at: int) -> PriceBook | None:
    """Return the price book for an instant, as known at a journal position.

    Of the books valid by then the one with the latest ``valid_from_ns`` holds; of equals the one recorded
    last. So a backdated book holds up to the next one that was applied for a later time.
    """
    holding = [one for one in applied if one.position <= known_at and one.valid_from_ns <= instant_ns]
    last = max(holding, key=lambda one: (one.valid_from_ns, one.position), default=None)
    return last.book if last else None
