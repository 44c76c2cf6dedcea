"""What we know, what was handed over and what the target says it has, and why they differ. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple

from tollspan_rater.domain.money import EXACT, exact_sum
from tollspan_rater.export.state import State

ZERO: Final = Decimal(0)
UNEXPLAINED: Final = ("missing_in_target", "extra_in_target")


class Cell(NamedTuple):
    """What a target is asked about: its words for a customer and a meter, a day of UTC, and a currency of amounts."""

    customer: tuple[tuple[str, str], ...]
    meter: tuple[tuple[str, str], ...]
    day: str
    currency: str


@dataclass(slots=True)
class Sums:
    """What a cell comes to on our side.

    ``ours`` is what is known of service on that day. What was planned of it stands under ``planned``; all others are
    items that tell the target that they happened on that day, by what became of them. ``unmapped`` is kept back.
    """

    customers: set[str] = field(default_factory=set)
    meters: set[str] = field(default_factory=set)
    ours: Decimal = ZERO
    planned: Decimal = ZERO
    accepted: Decimal = ZERO
    waiting: Decimal = ZERO
    unanswered: Decimal = ZERO
    held: Decimal = ZERO
    rejected: dict[str, Decimal] = field(default_factory=dict)

    def tell(self, state: State, value: Decimal) -> None:
        """Count an item by what became of it."""
        if state.status == "rejected":
            self.rejected[state.code] = EXACT.add(self.rejected.get(state.code, ZERO), value)
        elif state.status in _POTS:
            pot = _POTS[state.status]
            setattr(self, pot, EXACT.add(getattr(self, pot), value))

    @property
    def pending(self) -> Decimal:
        """What was planned and is on its way, or waits for a person."""
        return exact_sum((self.waiting, self.unanswered, self.held))

    @property
    def refused(self) -> Decimal:
        """What the target rejected, and nobody gave up."""
        return exact_sum(self.rejected.values())


_POTS: Final = {"accepted": "accepted", "waiting": "waiting", "sent": "unanswered", "held": "held"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far a cell differs: ours less what the target has, with a part for each cause; they add up to it.

    ``target`` is ``None`` where it does not say: then it is taken to have what it accepted.
    """

    target: Decimal | None
    difference: Decimal
    causes: Mapping[str, Decimal]

    @property
    def explained(self) -> bool:
        """Whether every part has a cause that time, a person or the contract explains."""
        return not any(cause in UNEXPLAINED for cause in self.causes)


def verdict(sums: Sums, target: Decimal | None, unit: Decimal) -> Verdict:
    """Explain a cell. ``unit`` is the smallest quantity that the target takes.

    ========================= ==========================================================================
    ``in_flight``             planned, and not yet answered
    ``held``                  a person must say whether the target has it
    ``rejected:CODE``         the target does not want it
    ``late``                  told under another day, for its own was over
    ``rounding``              finer than the target takes; waits until there is enough of it
    ``carried``               below zero, for a target that takes nothing such; or not planned yet
    ``missing_in_target``     accepted, and the target says that it has less
    ``extra_in_target``       the target says that it has more than we know of
    ========================= ==========================================================================
    """
    told = exact_sum((sums.accepted, sums.pending, sums.refused))
    unplanned = EXACT.subtract(sums.ours, sums.planned)
    has = sums.accepted if target is None else target
    gap = EXACT.subtract(sums.accepted, has)
    causes = {
        "in_flight": EXACT.add(sums.waiting, sums.unanswered),
        "held": sums.held,
        **{f"rejected:{code}": value for code, value in sums.rejected.items()},
        "late": EXACT.subtract(sums.planned, told),
        "rounding" if abs(unplanned) < unit else "carried": unplanned,
    }
    answered = gap.copy_negate() == sums.unanswered  # the target has what it did not answer for
    name = "in_flight" if answered else "missing_in_target" if gap > 0 else "extra_in_target"
    causes[name] = EXACT.add(causes.get(name, ZERO), gap)
    return Verdict(target, EXACT.subtract(sums.ours, has), {name: value for name, value in causes.items() if value})


def words(mapping: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return words in one order, so that they can be compared."""
    return tuple(sorted(mapping.items()))


def text_of(causes: Mapping[str, Decimal]) -> Iterable[str]:
    """Write causes with their parts."""
    return (f"{name} {value:f}" for name, value in causes.items())
