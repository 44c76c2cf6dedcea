"""What we know, what was handed over and what the target says it has, and why they differ. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple

from tollspan_rater.domain.money import EXACT, exact_sum
from tollspan_rater.export.state import State, Status
from tollspan_rater.export.target import Entry, Held

ZERO: Final = Decimal(0)
MISSING: Final = "missing_in_target"
EXTRA: Final = "extra_in_target"


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
    items that tell the target that they happened on that day, by what became of them. ``items`` has each of these with
    its value, ``periods`` the labels of their statements.
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
    items: dict[str, tuple[Status, Decimal]] = field(default_factory=dict)
    periods: set[str] = field(default_factory=set)

    def tell(self, item_id: str, state: State, value: Decimal) -> None:
        """Count an item by what became of it."""
        self.items[item_id] = (state.status, value)
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
    def told(self) -> frozenset[str]:
        """The items that the target may have."""
        return frozenset(item for item, (status, _) in self.items.items() if status in _TOLD)

    @property
    def refused(self) -> Decimal:
        """What the target rejected, and nobody gave up."""
        return exact_sum(self.rejected.values())


_POTS: Final = {"accepted": "accepted", "waiting": "waiting", "sent": "unanswered", "held": "held"}
_TOLD: Final = ("accepted", "sent", "held")


@dataclass(frozen=True, slots=True)
class Finding:
    """Entries of a target's list that are not what it was told: ``there`` is the value of each, ``told`` what is due.

    ``items`` are the ids that they bear; none when they bear none.
    """

    items: tuple[str, ...]
    told: Decimal
    there: tuple[Decimal, ...]

    @property
    def gap(self) -> Decimal:
        """What was told, less what is there."""
        return EXACT.subtract(self.told, exact_sum(self.there))

    @property
    def cause(self) -> str:
        """Whether something is missing there or too much."""
        return MISSING if not self.there or self.gap > 0 else EXTRA


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far a cell differs: ours less what the target has, with a part for each cause; they add up to it.

    ``target`` is ``None`` where it does not say: then it is taken to have what it accepted. ``findings`` are the items
    that differ, where it lists what it has.
    """

    target: Decimal | None
    difference: Decimal
    causes: Mapping[str, Decimal]
    findings: tuple[Finding, ...] = ()

    @property
    def explained(self) -> bool:
        """Whether every part has a cause that time, a person or the contract explains."""
        return not self.findings and not {MISSING, EXTRA} & set(self.causes)


def verdict(sums: Sums, held: Held | None, unit: Decimal) -> Verdict:
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
    has = sums.accepted if held is None else held.total
    findings, parts = _compared(sums, held)
    causes = {
        "in_flight": EXACT.add(sums.waiting, sums.unanswered),
        "held": sums.held,
        **{f"rejected:{code}": value for code, value in sums.rejected.items()},
        "late": EXACT.subtract(sums.planned, told),
        "rounding" if abs(unplanned) < unit else "carried": unplanned,
    }
    for name, value in parts:
        causes[name] = EXACT.add(causes.get(name, ZERO), value)
    return Verdict(
        None if held is None else has,
        EXACT.subtract(sums.ours, has),
        {name: value for name, value in causes.items() if value},
        findings,
    )


def _compared(sums: Sums, held: Held | None) -> tuple[tuple[Finding, ...], list[tuple[str, Decimal]]]:
    """Return which items differ, and by cause the parts of what was accepted less what the target has."""
    if held is None:
        return (), []
    if held.entries is None:
        gap = EXACT.subtract(sums.accepted, held.total)
        answered = gap.copy_negate() == sums.unanswered  # the target has what it did not answer for
        return (), [("in_flight" if answered else MISSING if gap > 0 else EXTRA, gap)]
    findings = tuple(one for one in _found(sums, held.entries) if one.gap)
    listed = {item for entry in held.entries for item in entry.items}
    arrived = [
        ("held" if status == "held" else "in_flight", value.copy_negate())
        for item, (status, value) in sums.items.items()
        if item in listed and status in {"held", "sent"}
    ]
    return findings, [*arrived, *((one.cause, one.gap) for one in findings)]


def _found(sums: Sums, entries: Sequence[Entry]) -> Iterator[Finding]:
    """Yield what was told and what is there, for the ids of each entry and for each accepted item that has none."""
    there: dict[tuple[str, ...], list[Decimal]] = {}
    for entry in entries:
        there.setdefault(entry.items, []).append(entry.value)
    left = {item: known for item, known in sums.items.items() if item in sums.told}
    for items, values in there.items():
        told = exact_sum(left.pop(item)[1] for item in items if item in left)
        yield Finding(items, told, tuple(values))
    for item, (status, value) in left.items():
        if status == "accepted":
            yield Finding((item,), value, ())


def words(mapping: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return words in one order, so that they can be compared."""
    return tuple(sorted(mapping.items()))


def text_of(causes: Mapping[str, Decimal]) -> Iterable[str]:
    """Write causes with their parts."""
    return (f"{name} {value:f}" for name, value in causes.items())
