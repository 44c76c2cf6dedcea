"""Exact money: decimals with a currency, one rounding point, sums that can be split without loss."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, localcontext
from functools import reduce
from typing import Final

EXPONENTS: Final[dict[str, int]] = {
    "BHD": 3, "CLP": 0, "ISK": 0, "JOD": 3, "JPY": 0, "KRW": 0, "KWD": 3, "OMR": 3,
    "PYG": 0, "TND": 3, "UGX": 0, "VND": 0, "XAF": 0, "XOF": 0, "XPF": 0,
}  # fmt: skip  # ISO 4217 minor units that are not 2
EXACT: Final = Context(prec=80, traps=[Inexact])  # a sum or product that would lose a digit raises


def exponent(currency: str) -> int:
    """Return the number of decimals of a currency's minor unit (ISO 4217)."""
    return EXPONENTS.get(currency, 2)


def minor_unit(currency: str) -> Decimal:
    """Return one minor unit of a currency, e.g. 0.01 for USD."""
    return Decimal(1).scaleb(-exponent(currency))


def exact_sum(numbers: Iterable[Decimal]) -> Decimal:
    """Add numbers without losing a digit, which the built-in ``sum`` may; nothing adds up to zero."""
    return reduce(EXACT.add, numbers, Decimal(0))


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in one currency. Amounts of different currencies are never added."""

    amount: Decimal
    currency: str

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(EXACT.add(self.amount, other.amount), self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(EXACT.subtract(self.amount, other.amount), self.currency)

    def times(self, factor: Decimal) -> Money:
        """Return the exact product."""
        return Money(EXACT.multiply(self.amount, factor), self.currency)

    def rounded(self) -> Money:
        """Round half away from zero to the currency's minor unit: the one rounding point."""
        with localcontext() as context:
            context.prec = 80
            amount = self.amount.quantize(minor_unit(self.currency), rounding=ROUND_HALF_UP)
        return Money(amount, self.currency)

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            msg = f"cannot add {other.currency} to {self.currency}: convert with a dated rate first"
            raise ValueError(msg)


def allocate(total: Decimal, weights: Sequence[Decimal], quantum: Decimal) -> list[Decimal]:
    """Split a multiple of ``quantum`` by weights so that the parts add up to it exactly (largest remainder).

    Equal remainders go to the earlier part. All weights zero: the first part takes all.
    """
    if not weights:
        return []
    weight_sum = sum(weights, Decimal(0))
    if weight_sum == 0:
        return [total, *[Decimal(0)] * (len(weights) - 1)]
    with localcontext() as context:
        context.prec = 80
        exact = [total * weight / weight_sum for weight in weights]
        parts = [(part / quantum).to_integral_value(rounding="ROUND_FLOOR") * quantum for part in exact]
        missing = int((total - sum(parts, Decimal(0))) / quantum)
        by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for index in by_remainder[:missing]:
        parts[index] += quantum
    return parts
