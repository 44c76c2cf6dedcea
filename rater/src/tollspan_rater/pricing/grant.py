"""Grants: the allowances of a whole period, with what add-ons and earlier periods bring."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT, exact_sum
from tollspan_rater.pricing.allowance import Allowance
from tollspan_rater.pricing.model import shortest
from tollspan_rater.pricing.period import Period
from tollspan_rater.pricing.proration import by_time, last_digit
from tollspan_rater.pricing.segment import Segment

ZERO: Final = Decimal(0)
Carried = Mapping[tuple[str, str], Decimal]  # (plan, meter) -> units that earlier periods left


def with_allowances(of: Period, segments: Sequence[Segment], carried: Carried) -> tuple[Segment, ...]:
    """Return the segments with their plans' allowances and free units, equal in all segments of a plan."""
    held: dict[str, list[Segment]] = {}
    for segment in segments:
        if segment.plan is not None:
            held.setdefault(segment.plan.name, []).append(segment)
    found: dict[int, Segment] = {}
    for parts in (parts for parts in held.values() if any(map(_grants, parts))):
        found |= _granted(of, parts, carried)
    return tuple(found.get(segment.start_ns, segment) for segment in segments)


def _granted(of: Period, parts: Sequence[Segment], carried: Carried) -> dict[int, Segment]:
    """Return the segments of a plan with their allowances, by their beginning."""
    plans = [part.plan for part in parts if part.plan is not None]
    stated = dict.fromkeys(own for plan in plans for own in plan.included)
    newest = {own.meter: own for own in stated}
    grown = {own: _more(own, of, parts, carried) if own is newest[own.meter] else own for own in stated}
    whole = {own: replace(more, quantity=_own(own, of, parts, more)) for own, more in grown.items()}
    brought = dict.fromkeys(meter for part in parts for meter, _, _ in _of_addons(part))
    beside = [_more(Allowance(meter, ZERO), of, parts, carried) for meter in brought if meter not in newest]
    alone = [replace(one, quantity=one.added) for one in beside]
    free = tuple(discount for discount in plans[-1].discounts if discount.kind == "units")
    return {
        part.start_ns: replace(part, included=(*(whole[own] for own in plan.included), *alone), free_units=free)
        for part, plan in zip(parts, plans, strict=True)
    }


def _grants(part: Segment) -> bool:
    """Tell whether anything gives units for nothing in a segment."""
    return part.plan is not None and bool(part.plan.included or part.plan.discounts or part.addons)


def _own(own: Allowance, of: Period, parts: Sequence[Segment], grown: Allowance) -> Decimal:
    """Return all there is of an allowance: its own part of the period, what was added and what was carried."""
    quantity = own.quantity
    if own.prorate:
        held = [part.length_ns for part in parts if part.plan is not None and own in part.plan.included]
        quantity = by_time([(quantity, sum(held))], of.whole_ns, last_digit(quantity))
    return shortest(exact_sum((quantity, grown.added, grown.carried)))


def _more(own: Allowance, of: Period, parts: Sequence[Segment], carried: Carried) -> Allowance:
    """Return an allowance with what add-ons and earlier periods bring to it."""
    plan = parts[-1].plan
    rolled = ZERO if plan is None or own.rollover is None else carried.get((plan.name, own.meter), ZERO)
    return replace(own, added=_added(own.meter, of, parts), carried=shortest(rolled))


def _added(meter: str, of: Period, parts: Sequence[Segment]) -> Decimal:
    """Return the units that add-ons bring: by time where they are prorated, else the most that was held at once."""
    at_once = [exact_sum(quantity for _, quantity, prorate in _of_addons(part, meter) if not prorate) for part in parts]
    by_part = [
        (exact_sum(quantity for _, quantity, prorate in _of_addons(part, meter) if prorate), part.length_ns)
        for part in parts
    ]
    unit = min((last_digit(quantity) for quantity, _ in by_part), default=Decimal(1))
    return shortest(EXACT.add(max(at_once, default=ZERO), by_time(by_part, of.whole_ns, unit)))


def _of_addons(part: Segment, meter: str | None = None) -> Iterator[tuple[str, Decimal, bool]]:
    """Yield meter, units and whether they are prorated of each allowance of the add-ons that are held."""
    for held in part.addons:
        for one in held.addon.included:
            if meter in {None, one.meter}:
                yield one.meter, EXACT.multiply(one.quantity, held.quantity), one.prorate
