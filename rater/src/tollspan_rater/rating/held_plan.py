"""Plans as they were held in a period: for how long, and what that makes of what they ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from tollspan_rater.domain.money import minor_unit
from tollspan_rater.pricing.model import shortest
from tollspan_rater.pricing.period import Period
from tollspan_rater.pricing.plan import Plan
from tollspan_rater.pricing.proration import by_time
from tollspan_rater.pricing.segment import Segment
from tollspan_rater.pricing.trial import TRIAL

HOUR_NS: Final = 3_600_000_000_000


class Agreed(Protocol):
    """An amount of money that a plan agrees on for a period."""

    @property
    def amount(self) -> Decimal:
        """The amount for a whole period."""
        ...

    @property
    def prorate(self) -> bool:
        """Whether a part of a period has a part of the amount."""
        ...


@dataclass(frozen=True, slots=True)
class HeldPlan:
    """A plan in a period: as it was last, and the segments in which it was held."""

    plan: Plan
    period: Period
    segments: tuple[Segment, ...]

    @property
    def versions(self) -> str:
        """Return the price versions under which it was held."""
        return ", ".join(dict.fromkeys(segment.version for segment in self.segments if segment.version))

    def agreed(self, what: Callable[[Plan], Agreed | None]) -> Decimal | None:
        """Return what an agreed amount comes to; ``None`` if there is none now, or all the time was a trial.

        Where the plan prorates it, amounts of several versions count each for its time, rounded once to the
        minor unit; else the last one counts in full.
        """
        last, paid = what(self.plan), [segment for segment in self.segments if segment.phase != TRIAL]
        if last is None or not paid:
            return None
        if not last.prorate:
            return last.amount
        amounts = [(each.amount, one.length_ns) for one in paid if one.plan and (each := what(one.plan)) is not None]
        return shortest(by_time(amounts, self.period.whole_ns, minor_unit(self.plan.currency)))

    def part(self, amount: Decimal) -> Decimal | None:
        """Return the part of an amount for the time in which the plan was held outside a trial."""
        paid = sum(segment.length_ns for segment in self.segments if segment.phase != TRIAL)
        if not paid:
            return None
        return shortest(by_time([(amount, paid)], self.period.whole_ns, minor_unit(self.plan.currency)))


def held_plans(period: Period, segments: Sequence[Segment]) -> list[HeldPlan]:
    """Return the plans of a period by name."""
    held: dict[str, list[Segment]] = {}
    latest: dict[str, Plan] = {}
    for segment in segments:
        if segment.plan is not None:
            held.setdefault(segment.plan.name, []).append(segment)
            latest[segment.plan.name] = segment.plan
    return [HeldPlan(latest[name], period, tuple(held[name])) for name in sorted(held)]


def time_of(held_ns: int, period: Period) -> str:
    """Say which part of a period a time is."""
    whole = period.whole_ns
    return "the whole period" if held_ns == whole else f"{held_ns // HOUR_NS} of {whole // HOUR_NS} hours"
