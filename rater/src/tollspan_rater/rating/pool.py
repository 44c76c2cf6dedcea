"""Allowances shared by components: handed out in the components' order, at once or call by call."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tollspan_rater.domain.money import EXACT
from tollspan_rater.pricing.allowance import Allowance

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Pool:
    """An allowance of a plan in a period, shared by components and used up in their order."""

    plan: str
    allowance: Allowance
    components: tuple[int, ...]


def included_of(pool: Pool, quantities: Sequence[Decimal]) -> dict[int, Decimal]:
    """Hand out an allowance to its components, in their order; nothing is handed to a negative quantity."""
    left = pool.allowance.quantity
    included = {}
    for index in pool.components:
        included[index] = max(min(quantities[index], left), ZERO)
        left = EXACT.subtract(left, included[index])
    return included


class Sharing:
    """Keeps what :func:`included_of` returns up to date while quantities grow, without going through all.

    ``quantities`` is the caller's list of cumulative quantities, read when one of them falls.
    """

    def __init__(self, pool: Pool, quantities: Sequence[Decimal]) -> None:
        self._pool, self._quantities = pool, quantities
        self.included = dict.fromkeys(pool.components, ZERO)
        self._left = pool.allowance.quantity
        self._holders: list[int] = []  # components that hold a part, in order

    def take(self, index: int, added: Decimal) -> Iterable[int]:
        """Give a component its part of what was added to it; return the components to look at again.

        Once nothing is left, a component takes from the later ones, from the last first.
        """
        if added < ZERO or self._quantities[index] < added:
            return self._hand_out_again()
        taken = min(added, self._left)
        self._left = EXACT.subtract(self._left, taken)
        changed = [index]
        while taken < added and self._holders and self._holders[-1] > index:
            last = self._holders[-1]
            moved = min(EXACT.subtract(added, taken), self.included[last])
            taken = EXACT.add(taken, moved)
            self.included[last] = EXACT.subtract(self.included[last], moved)
            if not self.included[last]:
                self._holders.pop()
            changed.append(last)
        if taken:
            if not self.included[index]:
                insort(self._holders, index)
            self.included[index] = EXACT.add(self.included[index], taken)
        return changed

    def _hand_out_again(self) -> Iterable[int]:
        self.included = included_of(self._pool, self._quantities)
        self._left = self._pool.allowance.quantity
        for part in self.included.values():
            self._left = EXACT.subtract(self._left, part)
        self._holders = sorted(index for index, part in self.included.items() if part)
        return self._pool.components
