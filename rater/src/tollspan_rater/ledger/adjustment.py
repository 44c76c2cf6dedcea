"""Adjustments: what a closed period comes to now, less what was booked of it, as signed lines of an open period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import chain
from typing import Final

from tollspan_rater.domain.money import EXACT, exact_sum
from tollspan_rater.pricing.period import Period
from tollspan_rater.rating.amount import Step
from tollspan_rater.rating.line import Kind, Line, line_id

ZERO: Final = Decimal(0)
_SUMMED: Final = ("quantity", "included", "billable", "amount_exact", "amount")

Key = tuple[str, str]  # component, currency


@dataclass(frozen=True, slots=True)
class Corrected:
    """The line of a closed ``period`` that an adjustment points back to, whether it was on a bill or is new there."""

    period: Period
    line_id: str
    component: str
    kind: Kind
    description: str


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A signed line of an open period. ``line`` is what a bill shows: its quantities and amounts are differences."""

    corrects: Corrected
    line: Line


@dataclass(frozen=True, slots=True)
class Standing:
    """What one component of a period comes to: on one line, or summed up over all that was booked of it.

    ``sums`` are the quantities and amounts of a line by their names, ``contains`` its quantity by meter.
    """

    corrects: Corrected
    line: Line
    sums: Mapping[str, Decimal]
    contains: Mapping[str, Decimal]
    calls: int


def standing(period: Period, lines: Iterable[Line], adjustments: Iterable[Adjustment] = ()) -> dict[Key, Standing]:
    """Add up by component what lines of a period, and adjustments that point back to it, come to."""
    own = ((Corrected(period, line.line_id, line.component, line.kind, line.description), line) for line in lines)
    found: dict[Key, tuple[Corrected, list[Line]]] = {}
    for corrects, line in chain(own, ((one.corrects, one.line) for one in adjustments)):
        found.setdefault((corrects.component, line.currency), (corrects, []))[1].append(line)
    return {key: _summed(corrects, of) for key, (corrects, of) in found.items()}


def adjustments(
    owner: str, into: Period, now: Mapping[Key, Standing], booked: Mapping[Key, Standing]
) -> tuple[Adjustment, ...]:
    """Return what is to be booked in the period ``into`` so that all that is booked of another is what it is ``now``.

    The rounded amount of a component is rounded as a whole, less what was booked of it: so rounding is cumulative,
    and any number of part-bills adds up to one bill. A component that is no more (its price changed) is reversed.
    """
    made = [_difference(owner, into, line, booked.get(key)) for key, line in now.items()]
    made += [_difference(owner, into, None, line) for key, line in booked.items() if key not in now]
    return tuple(one for one in made if one is not None)


def _summed(corrects: Corrected, lines: Sequence[Line]) -> Standing:
    contains: dict[str, Decimal] = {}
    for meter, quantity in chain.from_iterable(line.contains for line in lines):
        contains[meter] = EXACT.add(contains.get(meter, ZERO), quantity)
    sums = {name: exact_sum(getattr(line, name) for line in lines) for name in _SUMMED}
    return Standing(corrects, lines[-1], sums, contains, sum(line.calls for line in lines))


def _less(one: Mapping[str, Decimal], other: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return {name: EXACT.subtract(one.get(name, ZERO), other.get(name, ZERO)) for name in {**one, **other}}


def _difference(owner: str, into: Period, now: Standing | None, booked: Standing | None) -> Adjustment | None:
    known = now or booked
    if known is None:
        return None
    before: Mapping[str, Decimal] = booked.sums if booked else {}
    after: Mapping[str, Decimal] = now.sums if now else {}
    sums = _less(after, before)
    if not any(sums.values()):
        return None
    parts = _less(now.contains if now else {}, booked.contains if booked else {})
    corrects = known.corrects
    service = corrects.period
    place = f"adjustment/{service.label}/{service.zone}/{corrects.component}"
    line = replace(
        known.line,
        line_id=line_id(owner, into, place),
        kind="adjustment",
        component=place,
        description=f"adjustment of {service.label}: {corrects.description}",
        unit_price=None,
        steps=(*_step("as known now", after, 1), *_step("booked so far", before, -1)),
        calls=(now.calls if now else 0) - (booked.calls if booked else 0),
        why=_why(service, known.line.currency, after, before),
        contains=tuple((meter, quantity) for meter, quantity in sorted(parts.items()) if quantity),
        quantity=sums["quantity"],
        included=sums["included"],
        billable=sums["billable"],
        amount_exact=sums["amount_exact"],
        amount=sums["amount"],
    )
    return Adjustment(corrects, line)


def _step(text: str, sums: Mapping[str, Decimal], sign: int) -> tuple[Step, ...]:
    if not sums:
        return ()
    quantity, amount = (sums[name] if sign > 0 else sums[name].copy_negate() for name in ("quantity", "amount_exact"))
    return (Step(text, quantity, None, amount),)


def _why(service: Period, currency: str, after: Mapping[str, Decimal], before: Mapping[str, Decimal]) -> str:
    now, booked = (f"{sums.get('amount', ZERO):f} {currency}" for sums in (after, before))
    state = f"{service.label} is closed with {booked} booked for this"
    return f"{state}; it comes to {now} now" if after else f"{state}; it is no longer priced so and is reversed"
