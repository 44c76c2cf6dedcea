"""Money of calls that were added up: each kind of them is rated a few times, the rest by the line through these.

Calls are added up only where charge and cost are linear in what was used (:mod:`tollspan_rater.query.alike`). So for
calls that differ in nothing else, both are sums of counts times numbers, which the engine is asked for: what one more
of each count adds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from tollspan_rater.cost.formula import Cost
from tollspan_rater.domain.meters import PARENT
from tollspan_rater.domain.money import EXACT
from tollspan_rater.domain.usage import TOKEN_FIELDS
from tollspan_rater.pricing.policy import Reason
from tollspan_rater.query.rated import Alike, RatedCall, Rater
from tollspan_rater.query.selection import CallRow
from tollspan_rater.rating.marginal import ChargedCall

ZERO: Final = Decimal(0)
ENOUGH: Final = 8  # groups of one kind that are rated themselves, before its line is worth finding
_COLUMNS: Final = (*TOKEN_FIELDS, "quantity")
_PLACE: Final = {name: place for place, name in enumerate(CallRow._fields)}


@dataclass(frozen=True, slots=True)
class Line:
    """An amount as a function of sums: what each call adds, and one of each count, by its place in a row."""

    each: Decimal
    factors: tuple[tuple[int, Decimal], ...]

    def at(self, row: CallRow, calls: int) -> Decimal:
        """Return the amount of so many calls with the counts of a row."""
        cells: Sequence[Any] = row
        total = EXACT.multiply(self.each, Decimal(calls))
        for place, factor in self.factors:
            total = EXACT.fma(factor, Decimal(cells[place]), total)
        return total


@dataclass(frozen=True, slots=True)
class KindMoney:
    """A rated group of a kind, with the lines of its charge and of its cost; None for what is not known."""

    rated: RatedCall
    charge: Line | None
    cost: Line | None

    @property
    def takes_charges(self) -> bool:
        """Whether a charge that a group brings along is its charge: it is on the invoice, and has prices."""
        return self.rated.decision.on_invoice and self.rated.charged.amount is not None

    def of(self, group: Alike) -> RatedCall:
        """Return another group of the kind with its money."""
        known, row, calls = self.rated, group.row, group.calls
        charged, cost = known.charged, known.cost
        amount, reason = charged.amount, charged.reason
        if group.charge is not None and self.takes_charges:
            amount, included = group.charge
            reason = Reason.INCLUDED if included else known.decision.reason
        elif self.charge is not None:
            amount = self.charge.at(row, calls)
        charged = ChargedCall(amount, reason, charged.version, charged.currency, (), charged.unpriced)
        if isinstance(cost, Cost) and self.cost is not None:
            cost = Cost(self.cost.at(row, calls), cost.currency, (), cost.version, cost.flags)
        return RatedCall(row, known.period, known.plan, known.decision, charged, cost, calls)


class LinearMoney:
    """Rates calls that were added up, in any order; what it yields need not say components and parts of amounts."""

    def __init__(self, rater: Rater) -> None:
        self._rater = rater
        self._met: dict[int, int] = {}
        self._kinds: dict[int, KindMoney | None] = {}

    def rate(self, groups: Iterable[Alike]) -> Iterator[RatedCall]:
        """Yield the groups with their money."""
        return map(self._rate, groups)

    def _rate(self, group: Alike) -> RatedCall:
        if group.kind is None:
            return self._rater.rate_group(group)
        if group.kind not in self._kinds:
            met = self._met[group.kind] = self._met.get(group.kind, 0) + 1
            if met <= ENOUGH:
                return self._rater.rate_group(group)
            self._kinds[group.kind] = self.lines(group)
        kind = self._kinds[group.kind]
        return self._rater.rate_group(group) if kind is None else kind.of(group)

    def lines(self, group: Alike) -> KindMoney | None:
        """Return the lines of a group's kind; None where parts exceed their whole, which no line can say."""
        own = _own(group.row)
        if any(count < 0 for count in own.values()):
            return None
        rated = self._rater.rate_group(group)
        used = [name for name, count in own.items() if count]
        more = {name: self._more(group, rated, _with_one_more(group.row, name)) for name in used}
        each = _difference(self._rater.rate_group(replace(group, calls=group.calls + 1)), rated)
        charge = _line(group.row, each[0], {name: both[0] for name, both in more.items()})
        cost = _line(group.row, each[1], {name: both[1] for name, both in more.items()})
        known = rated.charged.amount is not None, rated.cost_amount is not None
        return KindMoney(rated, charge if known[0] else None, cost if known[1] else None)

    def _more(self, group: Alike, rated: RatedCall, row: CallRow) -> tuple[Decimal, Decimal]:
        return _difference(self._rater.rate_group(replace(group, row=row)), rated)


def _difference(after: RatedCall, before: RatedCall) -> tuple[Decimal, Decimal]:
    """Return what charge and cost grew by; nothing where they are not known."""
    charge = EXACT.subtract(after.charged.amount or ZERO, before.charged.amount or ZERO)
    return charge, EXACT.subtract(after.cost_amount or ZERO, before.cost_amount or ZERO)


def _line(row: CallRow, each: Decimal, more: dict[str, Decimal]) -> Line:
    """Return the line from what one more of each part adds; a count holds its parts, which are taken out of it."""
    factors = []
    for name in _COLUMNS:
        if row[_PLACE[name]] is not None:
            whole = _whole_of(row, name)
            factor = EXACT.subtract(more.get(name, ZERO), ZERO if whole is None else more.get(whole, ZERO))
            if factor:
                factors.append((_PLACE[name], factor))
    return Line(each, tuple(factors))


def _own(row: CallRow) -> dict[str, Any]:
    """Return how much each known count holds beside its known parts: whole numbers, of a unit measure a decimal."""
    cells: list[Any] = list(row)
    known = {name: cells[_PLACE[name]] for name in _COLUMNS if cells[_PLACE[name]] is not None}
    own = dict(known)
    for name, count in known.items():
        whole = _whole_of(row, name)
        if whole is not None:
            own[whole] -= count
    return own


def _whole_of(row: CallRow, name: str) -> str | None:
    """Return the nearest known count that holds another one."""
    whole = PARENT.get(name)
    while whole is not None and row[_PLACE[whole]] is None:
        whole = PARENT.get(whole)
    return whole


def _with_one_more(row: CallRow, name: str) -> CallRow:
    """Return a row with one more of a count, and of all that hold it."""
    cells: list[Any] = list(row)
    at: str | None = name
    while at is not None:
        cells[_PLACE[at]] += 1
        at = _whole_of(row, at)
    return CallRow._make(cells)
