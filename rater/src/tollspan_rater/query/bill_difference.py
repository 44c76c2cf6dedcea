"""Two bills of one customer for the same time, side by side: what differs, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT, exact_sum, minor_unit
from tollspan_rater.rating.line import Line, RatedPeriod

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class LineDifference:
    """A line that differs; ``None`` on a side: the bill has no such line. ``why`` explains the newer side."""

    name: str
    was: Decimal | None
    now: Decimal | None
    why: str


@dataclass(frozen=True, slots=True)
class BillDifference:
    """A customer's bill of a period in one currency, before and after; amounts are rounded as on the bill."""

    customer: str
    period: str
    currency: str
    was: Decimal
    now: Decimal
    lines: tuple[LineDifference, ...]

    @property
    def difference(self) -> Decimal:
        """What the customer pays more, negative: less."""
        return EXACT.subtract(self.now, self.was)


@dataclass(frozen=True, slots=True)
class UnpricedDifference:
    """Usage of a meter without a price, before and after; ``None`` is an unknown quantity."""

    meter: str
    reason: str
    was: Decimal | None
    now: Decimal | None


def bill_differences(customer: str, old: RatedPeriod, new: RatedPeriod) -> Iterator[BillDifference]:
    """Yield the two bills side by side, one for each currency that occurs; equal ones as well."""
    for currency in sorted({line.currency for bill in (old, new) for line in bill.lines}):
        before, after = (_by_component(bill.lines, currency) for bill in (old, new))
        changed = [
            _line(before.get(key, []), after.get(key, []))
            for key in dict.fromkeys([*before, *after])
            if _amount(before.get(key, [])) != _amount(after.get(key, []))
        ]
        was, now = (_total(side, currency) for side in (before, after))
        yield BillDifference(customer, old.period.label, currency, was, now, tuple(changed))


def unpriced_differences(old: RatedPeriod, new: RatedPeriod) -> Iterator[UnpricedDifference]:
    """Yield the usage that is without a price in one of the bills and priced in the other."""
    before, after = ({(share.meter, share.reason): share.quantity for share in bill.unpriced} for bill in (old, new))
    for meter, reason in sorted({*before, *after}):
        was, now = before.get((meter, reason), ZERO), after.get((meter, reason), ZERO)
        if was != now:
            yield UnpricedDifference(meter, reason, was, now)


def _by_component(lines: Iterable[Line], currency: str) -> dict[tuple[str, str], list[Line]]:
    """Group lines by what they charge; what follows ``~`` names one version of its price."""
    found: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        if line.currency == currency:
            found.setdefault((line.kind, line.component.partition("~")[0]), []).append(line)
    return found


def _line(before: list[Line], after: list[Line]) -> LineDifference:
    newest = (after or before)[-1]
    was, now = (_amount(side) if side else None for side in (before, after))
    return LineDifference(newest.description, was, now, newest.why)


def _total(lines: Mapping[tuple[str, str], list[Line]], currency: str) -> Decimal:
    nothing = ZERO.quantize(minor_unit(currency))
    return exact_sum([nothing, *(_amount(group) for group in lines.values())])


def _amount(lines: Iterable[Line]) -> Decimal:
    return exact_sum(line.amount for line in lines)


def by_size(bills: Iterable[BillDifference]) -> list[BillDifference]:
    """Return the bills that differ, the largest difference first."""
    differing = [bill for bill in bills if bill.difference or bill.lines]
    return sorted(differing, key=lambda bill: (-abs(bill.difference), bill.customer, bill.period))


def totals(bills: Iterable[BillDifference]) -> Mapping[str, tuple[Decimal, Decimal]]:
    """Return what all bills come to, before and after, by currency."""
    found: dict[str, tuple[Decimal, Decimal]] = {}
    for bill in bills:
        was, now = found.get(bill.currency, (ZERO, ZERO))
        found[bill.currency] = EXACT.add(was, bill.was), EXACT.add(now, bill.now)
    return found
