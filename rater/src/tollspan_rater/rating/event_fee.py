"""Fees of single events: percentages with a fixed part, free events, a minimum or a maximum, in the order of time."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT
from tollspan_rater.pricing.model import Percentage, shortest
from tollspan_rater.rating.amount import Step

ZERO: Final = Decimal(0)


class EventFees:
    """What the events taken so far cost; each is taken in its order of time.

    A negative event is the inverse of one of the same size that came just before it: it takes back what that
    cost, and its place among the free ones.
    """

    def __init__(self, price: Percentage) -> None:
        self._price = price
        self._events, self._total = 0, ZERO
        self._free = self._charged = ZERO
        self._fixed = self._raised = self._lowered = 0
        self._more = self._less = ZERO

    @property
    def amount(self) -> Decimal:
        """The exact sum of the fees."""
        price = self._price
        fees = EXACT.multiply(Decimal(self._fixed), price.fixed)
        shares = EXACT.multiply(self._charged, price.rate)
        return EXACT.add(EXACT.add(shares, fees), EXACT.subtract(self._more, self._less))

    def take(self, value: Decimal) -> None:
        """Take the next event, an amount of money."""
        sign = -1 if value < ZERO else 1
        size, step = value.copy_abs(), Decimal(sign)
        before = self._total if sign > 0 else EXACT.add(self._total, value)
        number = self._events + 1 if sign > 0 else self._events
        self._events += sign
        self._total = EXACT.add(self._total, value)
        free = self._free_part(number, before, size)
        self._free = EXACT.add(self._free, EXACT.multiply(free, step))
        if self._wholly_free(number, before, size):
            return
        charged = EXACT.subtract(size, free)
        self._charged = EXACT.add(self._charged, EXACT.multiply(charged, step))
        self._fixed += sign
        self._clamp(EXACT.add(EXACT.multiply(charged, self._price.rate), self._price.fixed), sign)

    def steps(self) -> tuple[Step, ...]:
        """Explain the amount; the steps' amounts add up to it exactly."""
        price = self._price
        percent = shortest(EXACT.scaleb(price.rate, 2))
        steps = []
        if self._free:
            steps.append(Step("free amounts of events", self._free, ZERO, ZERO))
        share = EXACT.multiply(self._charged, price.rate)
        steps.append(Step(f"{percent:f} % of the amounts", self._charged, price.rate, share))
        if price.fixed:
            count = Decimal(self._fixed)
            steps.append(Step("fixed fee of each event", count, price.fixed, EXACT.multiply(count, price.fixed)))
        if self._raised or self._more:
            steps.append(Step(f"raised to the minimum of {price.minimum:f}", Decimal(self._raised), None, self._more))
        if self._lowered or self._less:
            less = self._less.copy_negate()
            steps.append(Step(f"lowered to the maximum of {price.maximum:f}", Decimal(self._lowered), None, less))
        return tuple(steps)

    def _within(self, number: int) -> bool:
        """Tell whether an event is among the free ones by its number; without a number of them, an amount decides."""
        price = self._price
        return number <= price.free_events if price.free_events else bool(price.free_amount)

    def _free_part(self, number: int, before: Decimal, size: Decimal) -> Decimal:
        if not self._within(number):
            return ZERO
        if not self._price.free_amount:
            return size
        return min(size, max(EXACT.subtract(self._price.free_amount, before), ZERO))

    def _wholly_free(self, number: int, before: Decimal, size: Decimal) -> bool:
        limit = self._price.free_amount
        return self._within(number) and (not limit or EXACT.add(before, size) <= limit)

    def _clamp(self, fee: Decimal, sign: int) -> None:
        least, most = self._price.minimum, self._price.maximum
        if least is not None and fee < least:
            self._raised += sign
            self._more = EXACT.add(self._more, EXACT.multiply(EXACT.subtract(least, fee), Decimal(sign)))
        elif most is not None and fee > most:
            self._lowered += sign
            self._less = EXACT.add(self._less, EXACT.multiply(EXACT.subtract(fee, most), Decimal(sign)))
