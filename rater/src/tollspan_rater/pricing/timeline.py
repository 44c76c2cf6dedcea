"""Which prices and which plan hold when, and what was known of it at a journal position."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from tollspan_rater.domain.clock import to_ns
from tollspan_rater.errors import ConfigError
from tollspan_rater.pricing.book import PriceBook
from tollspan_rater.pricing.card import RateCard
from tollspan_rater.pricing.period import Period
from tollspan_rater.pricing.plan import Plan

NO_PLAN: Final = "no plan"
NO_PRICES: Final = "no prices"
UNKNOWN_PLAN: Final = "unknown plan"


@dataclass(frozen=True, slots=True)
class Applied:
    """A price book that was applied: it holds from ``valid_from_ns`` on and is known from ``position`` on."""

    book: PriceBook
    valid_from_ns: int
    position: int


@dataclass(frozen=True, slots=True)
class Assignment:
    """A customer's plan from an instant on; ``plan`` ``None`` ends the last one."""

    plan: str | None
    from_ns: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A half-open span of a period in which one plan at one price version holds.

    Without a plan ``problem`` says why: ``no plan`` is assigned, ``no prices`` are applied, or an
    ``unknown plan`` is named that the price book of that time does not have.
    """

    start_ns: int
    end_ns: int
    plan: Plan | None
    cards: tuple[RateCard, ...] = ()
    version: str | None = None
    problem: str | None = None


def book_at(applied: Iterable[Applied], instant_ns: int, known_at: int) -> PriceBook | None:
    """Return the price book for an instant, as known at a journal position.

    Of the books valid by then the one with the latest ``valid_from_ns`` holds; of equals the one recorded
    last. So a backdated book holds up to the next one that was applied for a later time.
    """
    holding = [one for one in applied if one.position <= known_at and one.valid_from_ns <= instant_ns]
    last = max(holding, key=lambda one: (one.valid_from_ns, one.position), default=None)
    return last.book if last else None


def plan_at(assignments: Sequence[Assignment], instant_ns: int) -> str | None:
    """Return the name of the plan assigned at an instant; of equal starts the one listed last holds."""
    held = [(one.from_ns, order) for order, one in enumerate(assignments) if one.from_ns <= instant_ns]
    return assignments[max(held)[1]].plan if held else None


def segments(
    period: Period, applied: Sequence[Applied], assignments: Sequence[Assignment], known_at: int
) -> tuple[Segment, ...]:
    """Cut a period where the customer's plan or its price version changes; the segments cover it without a gap."""
    starts = {one.from_ns for one in assignments} | {one.valid_from_ns for one in applied}
    cuts = sorted({period.start_ns, period.end_ns} | {at for at in starts if at in period})
    found: list[Segment] = []
    for start, end in pairwise(cuts):
        segment = _segment(start, end, book_at(applied, start, known_at), plan_at(assignments, start))
        if found and _same(found[-1], segment):
            last = found.pop()
            segment = Segment(last.start_ns, end, last.plan, last.cards, last.version, last.problem)
        found.append(segment)
    return tuple(found)


def read_assignments(entries: Iterable[Mapping[str, str | None]], zone: str) -> tuple[Assignment, ...]:
    """Read a customer's ``plans: [{plan, from}]``; ``from`` is a date (midnight in ``zone``) or a timestamp.

    An entry without ``from`` holds since ever.

    Raises:
        ConfigError: for a ``from`` that is no date.
    """
    return tuple(Assignment(entry.get("plan"), _instant(entry.get("from"), zone)) for entry in entries)


def _instant(text: str | None, zone: str) -> int:
    if not text:
        return 0
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError("plans.from", text, "the customer", "write a date like 2026-11-01") from error
    return to_ns(at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone)))


def _segment(start_ns: int, end_ns: int, book: PriceBook | None, name: str | None) -> Segment:
    version = book.version if book else None
    if name is None or book is None:
        return Segment(start_ns, end_ns, None, version=version, problem=NO_PLAN if name is None else NO_PRICES)
    plan = book.plans.get(name)
    if plan is None:
        return Segment(start_ns, end_ns, None, version=version, problem=UNKNOWN_PLAN)
    return Segment(start_ns, end_ns, plan, book.cards_of(plan), version)


def _same(one: Segment, other: Segment) -> bool:
    return (one.version, one.problem, one.plan and one.plan.name) == (
        other.version,
        other.problem,
        other.plan and other.plan.name,
    )
