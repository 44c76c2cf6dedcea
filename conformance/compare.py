"""Compares a bill with what tollspan shows: pure, figure by figure, call by call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from conformance.bill import FIGURES, Attempt, Seen


class Verdict(StrEnum):
    """How a case ended, best first.

    In ``marked``, ``unknown``, ``unseen`` and ``misstated`` cases the provider's figure stands nowhere on the spans:
    tollspan says by the call's quality that it is not exact, shows it as unknown, has no span of the call at all, or
    shows what the spans state instead, with nothing on them that would tell.
    """

    EXACT = "exact"
    MARKED = "marked"
    UNKNOWN = "unknown"
    UNSEEN = "no span"
    MISSTATED = "misstated"
    WRONG = "wrong"
    SILENT_ZERO = "silent zero"
    DOUBLE = "double count"


ABSENT = frozenset({Verdict.MARKED, Verdict.UNKNOWN, Verdict.UNSEEN, Verdict.MISSTATED})
"""The verdicts of cases with a figure that stands nowhere on the spans."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A verdict and its reasons: per figure the provider's values that tollspan does not show."""

    verdict: Verdict
    charged: int
    seen: int
    missing: Mapping[str, tuple[int, ...]]
    absent: Mapping[str, tuple[int, ...]]

    @property
    def calls_right(self) -> bool:
        """Whether there are as many calls as the provider charges."""
        return self.charged == self.seen


def compare(attempts: Sequence[Attempt], calls: Sequence[Seen], findable: Callable[[int], bool]) -> Comparison:
    """Compare; ``findable`` tells of a figure whether it, or a sum that gives it, stands on the spans."""
    bill = [attempt for attempt in attempts if attempt.charged]
    seen = _counted(calls, len(bill))
    missing = {figure: left for figure in FIGURES if (left := _left(bill, seen, figure))}
    absent = {
        figure: gone for figure, left in missing.items() if (gone := tuple(one for one in left if not findable(one)))
    }
    verdict = Verdict.DOUBLE if len(calls) > len(attempts) else _verdict(bill, seen, missing, absent)
    return Comparison(verdict, len(bill), len(seen), missing, absent)


def _counted(calls: Sequence[Seen], charged: int) -> list[Seen]:
    """Return the calls that stand for charged ones: failed ones that used nothing only as far as others are too few."""
    used = [call for call in calls if not call.nothing_used]
    failed = [call for call in calls if call.nothing_used]
    return used + failed[: max(0, charged - len(used))]


def _left(wanted: Sequence[Attempt | Seen], shown: Sequence[Attempt | Seen], figure: str) -> tuple[int, ...]:
    """Return the values of a figure that one side has and the other has not; nothing and unknown are no values."""
    left = Counter(getattr(one, figure) for one in wanted) - Counter(getattr(one, figure) for one in shown)
    return tuple(sorted(value for value in left.elements() if value))


def _verdict(
    bill: Sequence[Attempt],
    seen: Sequence[Seen],
    missing: Mapping[str, tuple[int, ...]],
    absent: Mapping[str, tuple[int, ...]],
) -> Verdict:
    if len(seen) > len(bill) or any(_twice(bill, seen, figure) for figure in FIGURES):
        return Verdict.DOUBLE
    if any(_silent(bill, call) for call in seen):
        return Verdict.SILENT_ZERO
    if not missing and len(seen) == len(bill) and not any(_invented(bill, seen, figure) for figure in FIGURES):
        return Verdict.EXACT
    return _of_absent(bill, seen, missing) if missing and missing == absent else Verdict.WRONG


def _of_absent(bill: Sequence[Attempt], seen: Sequence[Seen], missing: Mapping[str, tuple[int, ...]]) -> Verdict:
    if len(seen) < len(bill):
        return Verdict.UNSEEN
    if any(call.quality != "exact" for call in seen):
        return Verdict.MARKED
    shown = any(_left(seen, bill, figure) for figure in missing)
    return Verdict.MISSTATED if shown else Verdict.UNKNOWN


def _twice(bill: Sequence[Attempt], seen: Sequence[Seen], figure: str) -> bool:
    """Whether a figure's total is too high by at least the smallest call that the provider charges for."""
    billed = [getattr(attempt, figure) for attempt in bill if getattr(attempt, figure)]
    total = sum(getattr(call, figure) or 0 for call in seen)
    return bool(billed) and total >= sum(billed) + min(billed)


def _invented(bill: Sequence[Attempt], seen: Sequence[Seen], figure: str) -> bool:
    billed: int = sum(getattr(attempt, figure) for attempt in bill)
    shown: int = sum(getattr(call, figure) or 0 for call in seen)
    return shown != billed


def _silent(bill: Sequence[Attempt], call: Seen) -> bool:
    """Whether a call claims to be exact while an input or output that every call of the bill has is nothing."""
    if call.quality != "exact" or not bill:
        return False
    reads, writes = (all(getattr(attempt, figure) for attempt in bill) for figure in ("input", "output"))
    return (reads and not call.input) or (writes and not call.output)
