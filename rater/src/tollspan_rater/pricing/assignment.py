"""Assignments: which plan and which add-ons a customer took, and from when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from tollspan_rater.domain.clock import to_ns
from tollspan_rater.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Assignment:
    """A customer's plan from an instant on; ``plan`` ``None`` ends the last one."""

    plan: str | None
    from_ns: int


@dataclass(frozen=True, slots=True)
class AddonAssignment:
    """So many of an add-on from an instant on, until ``to_ns`` or the next assignment of the same add-on."""

    addon: str
    quantity: Decimal
    from_ns: int
    to_ns: int | None = None


def plan_at(assignments: Sequence[Assignment], instant_ns: int) -> str | None:
    """Return the name of the plan assigned at an instant; of equal starts the one listed last holds."""
    held = [(one.from_ns, order) for order, one in enumerate(assignments) if one.from_ns <= instant_ns]
    return assignments[max(held)[1]].plan if held else None


def first_held(assignments: Iterable[Assignment], plan: str) -> int:
    """Return the instant at which a plan was taken for the first time; 0 is since ever."""
    return min((one.from_ns for one in assignments if one.plan == plan), default=0)


def addons_at(assignments: Sequence[AddonAssignment], instant_ns: int) -> dict[str, Decimal]:
    """Return how many of each add-on are held at an instant, by name; of equal starts the one listed last holds."""
    last: dict[str, AddonAssignment] = {}
    for one in sorted(assignments, key=lambda one: one.from_ns):
        if one.from_ns <= instant_ns:
            last[one.addon] = one
    held = (one for one in last.values() if one.to_ns is None or instant_ns < one.to_ns)
    return {one.addon: one.quantity for one in sorted(held, key=lambda one: one.addon) if one.quantity}


def read_assignments(entries: Iterable[Mapping[str, str | None]], zone: str) -> tuple[Assignment, ...]:
    """Read a customer's ``plans: [{plan, from}]``; ``from`` is a date (midnight in ``zone``) or a timestamp.

    An entry without ``from`` holds since ever.

    Raises:
        ConfigError: for a ``from`` that is no date.
    """
    return tuple(Assignment(entry.get("plan"), _instant(entry.get("from"), zone) or 0) for entry in entries)


def read_addon_assignments(entries: Iterable[Mapping[str, str]], zone: str) -> tuple[AddonAssignment, ...]:
    """Read a customer's ``addons: [{addon, quantity, from, to}]``; times as in :func:`read_assignments`."""
    return tuple(
        AddonAssignment(
            entry["addon"],
            Decimal(entry.get("quantity", "1")),
            _instant(entry.get("from"), zone) or 0,
            _instant(entry.get("to"), zone),
        )
        for entry in entries
    )


def _instant(text: str | None, zone: str) -> int | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError("plans.from", text, "the customer", "write a date like 2026-11-01") from error
    return to_ns(at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone)))
