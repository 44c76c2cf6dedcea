"""The delta rule: what is known now, less what was planned before, becomes the next items. Pure.

However often and in whatever order usage becomes known, the items of a component add up to what is known of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT, exact_sum
from tollspan_rater.export.bucket import is_open, service_at, stamp_of
from tollspan_rater.export.contract import Contract
from tollspan_rater.export.draft import Draft, Service
from tollspan_rater.pricing.model import shortest

ZERO: Final = Decimal(0)
Series = tuple[
    str, str, tuple[tuple[str, str], ...]
]  # customer, meter, dimensions: what is too little is carried in it


@dataclass(frozen=True, slots=True)
class Use:
    """A quantity of one meter of a customer in one bucket of time, for one combination of dimensions."""

    customer: str
    meter: str
    dimensions: tuple[tuple[str, str], ...]
    service: Service
    period: str
    quantity: Decimal

    @property
    def series(self) -> Series:
        """What it has in common with other buckets of time."""
        return (self.customer, self.meter, self.dimensions)

    @property
    def component(self) -> str:
        """Its name beside the customer: bucket, meter and dimensions, written so that no two make one text."""
        parts = [self.service.label, self.service.zone, self.meter, *map(list, self.dimensions)]
        return json.dumps(parts, ensure_ascii=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Told:
    """What was planned of a component: the ``quantity`` of ``use`` is the sum of those of its items that stand.

    ``items`` were planned in all, ``standing`` of them were not superseded, ``last`` is the id of the newest.
    """

    use: Use
    items: int = 0
    standing: int = 0
    last: str | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """A draft to become an item, and when it says that it happened."""

    draft: Draft
    stamp_ns: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be told now, and what each series comes to beyond that: below zero, or finer than the target takes."""

    items: tuple[Planned, ...]
    carried: Mapping[Series, Decimal]


def plan_usage(
    known: Iterable[Use], told: Iterable[Told], contract: Contract, now_ns: int, cutoff: int | None = None
) -> Plan:
    """Plan the differences between the usage known now and what was told; both of the same span of time.

    ``cutoff`` is the journal position up to which everything is known. A component of which nothing is known any more
    was used nothing. Its items keep the order of time.
    """
    cells = _cells(known, told)
    items: list[Planned] = []
    carried: dict[Series, Decimal] = {}
    for series, of in sorted(cells.items()):
        if contract.once:
            due = _once(of, contract, now_ns)
        else:
            due = dict(zip(of, spread([cell.difference for cell in of], contract), strict=True))
        items += [_planned(cell, quantity, contract, now_ns, cutoff) for cell, quantity in due.items() if quantity]
        left = EXACT.subtract(exact_sum(cell.difference for cell in of), exact_sum(due.values()))
        if left:
            carried[series] = left
    return Plan(tuple(items), carried)


def plan_lines(lines: Iterable[Planned], told: Mapping[str, tuple[int, int]], contract: Contract) -> Plan:
    """Plan the lines of statements of which no item stands.

    ``told`` gives the number of items that were planned of a line, and how many of them stand. Where nothing below
    zero may be told, all due lines of a customer and currency wait until they come to zero or more together.
    """
    due: dict[Series, list[Planned]] = {}
    for line in lines:
        items, standing = told.get(line.draft.component, (0, 0))
        if not standing:
            draft = replace(line.draft, ordinal=items)
            due.setdefault((draft.customer, draft.currency or "", ()), []).append(replace(line, draft=draft))
    sums = {series: exact_sum(one.draft.amount or ZERO for one in of) for series, of in due.items()}
    carried = {series: total for series, total in sums.items() if contract.negative == "carried" and total < 0}
    return Plan(tuple(one for series, of in due.items() if series not in carried for one in of), carried)


def spread(differences: Sequence[Decimal], contract: Contract) -> list[Decimal]:
    """Return how much of each difference of a series, in the order of time, may be told now.

    The sum is that of the differences, rounded down to the target's digits, and where nothing below zero may be told
    not below zero: what is below is then taken off the older ones. Whatever was told so is told no second time, for
    a series whose differences come to nothing has nothing to tell.
    """
    wanted = _netted(differences) if contract.negative == "carried" else list(differences)
    unit = Decimal(1).scaleb(-contract.digits)
    rests = [EXACT.remainder(value, unit) for value in wanted]
    cut = [EXACT.subtract(value, rest) for value, rest in zip(wanted, rests, strict=True)]  # towards zero
    units = int(exact_sum(rests).scaleb(contract.digits).to_integral_value(ROUND_FLOOR))
    step = unit if units > 0 else unit.copy_negate()
    for place in reversed(range(len(cut))):  # the newest ones are rounded away from zero for all
        if units and rests[place] and rests[place].is_signed() == step.is_signed():
            cut[place] = EXACT.add(cut[place], step)
            units -= 1 if units > 0 else -1
    return cut


@dataclass(frozen=True, slots=True)
class _Cell:
    """One component: what is known of it, and what was told."""

    use: Use
    told: Told

    @property
    def difference(self) -> Decimal:
        return EXACT.subtract(self.use.quantity, self.told.use.quantity)


def _cells(known: Iterable[Use], told: Iterable[Told]) -> dict[Series, list[_Cell]]:
    """Pair what is known with what was told, by series, in the order of time."""
    before = {(one.use.customer, one.use.component): one for one in told}
    found: dict[Series, list[_Cell]] = {}
    for use in known:
        of = before.pop((use.customer, use.component), None)
        found.setdefault(use.series, []).append(_Cell(use, of or _nothing_told(use)))
    for of in before.values():
        found.setdefault(of.use.series, []).append(_Cell(replace(of.use, quantity=ZERO), of))
    return {
        series: sorted(cells, key=lambda cell: (cell.use.service.start_ns, cell.use.component))
        for series, cells in found.items()
    }


def _nothing_told(use: Use) -> Told:
    return Told(replace(use, quantity=ZERO))


def _netted(differences: Sequence[Decimal]) -> list[Decimal]:
    """Take what is below zero off the positive differences, the oldest first; nothing below zero is left."""
    owed = exact_sum(value.copy_negate() for value in differences if value < 0)
    left = []
    for value in differences:
        taken = min(owed, max(value, ZERO))
        owed = EXACT.subtract(owed, taken)
        left.append(EXACT.subtract(max(value, ZERO), taken))
    return left


def _once(cells: Sequence[_Cell], contract: Contract, now_ns: int) -> dict[_Cell, Decimal]:
    """Return what is told of a target that takes one value a bucket for good: only of buckets that have ended.

    What became known too late for its own bucket is added to the newest one that is still free.
    """
    ended = [cell for cell in cells if cell.use.service.end_ns <= now_ns]
    [allowed] = spread([exact_sum(cell.difference for cell in ended)], contract)
    free = [cell for cell in _with_newest(ended, contract, now_ns) if _is_free(cell, contract, now_ns)]
    if not free:
        return {}
    found: dict[_Cell, Decimal] = {}
    left = allowed
    for cell in reversed(free):
        [own] = spread([cell.difference], contract)
        found[cell] = min(own, left) if left > 0 else ZERO
        left = EXACT.subtract(left, found[cell])
    newest = free[-1]
    return found | {newest: EXACT.add(found[newest], left)}


def _is_free(cell: _Cell, contract: Contract, now_ns: int) -> bool:
    return not cell.told.standing and (contract.late == "own" or is_open(cell.use.service, contract, now_ns))


def _with_newest(cells: Sequence[_Cell], contract: Contract, now_ns: int) -> Iterator[_Cell]:
    """Yield the buckets, and the last one that has ended, in which perhaps nothing was used."""
    yield from cells
    if not cells or contract.bucket == "period":
        return
    like = cells[-1].use
    running = service_at(contract.bucket, now_ns, like.service.zone)
    service = service_at(contract.bucket, running.start_ns - 1, like.service.zone)
    if service not in {cell.use.service for cell in cells}:
        use = replace(like, service=service, quantity=ZERO)
        yield _Cell(use, _nothing_told(use))


def _planned(cell: _Cell, quantity: Decimal, contract: Contract, now_ns: int, cutoff: int | None) -> Planned:
    use, told = cell.use, cell.told
    draft = Draft(
        source="usage",
        customer=use.customer,
        component=use.component,
        ordinal=told.items,
        service=use.service,
        meter=use.meter,
        description=f"{use.meter} {use.service.label}",
        quantity=shortest(quantity),
        corrects=told.last,
        period=use.period,
        dimensions=use.dimensions,
        cutoff=cutoff,
    )
    return Planned(draft, stamp_of(use.service, contract, now_ns))
