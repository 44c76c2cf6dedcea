"""What a look at a set-up finds: a state, what was seen, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tollspan_rater.query.answer import Answer

COLUMNS: Final = ("check", "state", "found", "what_to_do", "question")


class State(StrEnum):
    """How something stands."""

    OK = "ok"
    UNKNOWN = "unknown"  # it could not be looked at, or was not asked for
    WARNING = "warning"  # it works, and something is lost on the way or will be
    PROBLEM = "problem"  # spans, money or secrets are at stake now


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was seen; ``remedy`` is empty where all is well."""

    state: State
    found: str
    remedy: str = ""


def ok(found: str) -> Finding:
    """Return that something is as it should be."""
    return Finding(State.OK, found)


def unknown(found: str, remedy: str = "") -> Finding:
    """Return that something was not looked at."""
    return Finding(State.UNKNOWN, found, remedy)


def warning(found: str, remedy: str) -> Finding:
    """Return that something works and wants attention."""
    return Finding(State.WARNING, found, remedy)


def problem(found: str, remedy: str) -> Finding:
    """Return that something does not work."""
    return Finding(State.PROBLEM, found, remedy)


@dataclass(frozen=True, slots=True)
class Examined:
    """A check with one of its findings."""

    check: str
    question: str
    finding: Finding


def answer(examined: Sequence[Examined], zone: str, as_of: int) -> Answer:
    """Lay the findings out as a table; it is not ``ok`` when one is a problem."""
    rows = [
        {
            "check": one.check,
            "state": str(one.finding.state),
            "found": one.finding.found,
            "what_to_do": one.finding.remedy or None,
            "question": one.question,
        }
        for one in examined
    ]
    count = {state: sum(one.finding.state is state for one in examined) for state in State}
    note = (
        f"{count[State.PROBLEM]} problems, {count[State.WARNING]} warnings, {count[State.OK]} as they should be, "
        f"{count[State.UNKNOWN]} not known"
    )
    return Answer("Doctor", COLUMNS, rows, as_of, zone, [note], ok=not count[State.PROBLEM])
