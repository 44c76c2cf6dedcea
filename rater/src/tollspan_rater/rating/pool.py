"""Pools: units that cost nothing, shared by components and handed out in their order, at once or call by call."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from tollspan_rater.domain.money import EXACT, exact_sum

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Pool:
    """Units of a plan in a period that cost nothing; ``name`` says why. Components use them up in their order."""

    name: str
    quantity: Decimal
    components: tuple[int, ...]


def handed_out(pools: Sequence[Pool], quantities: Sequence[Decimal]) -> list[dict[int, Decimal]]:
    """Return what each pool hands to its components: of what the pools before it left, in order.

    Nothing is handed to a negative quantity.
    """
    open_ = {index: max(quantities[index], ZERO) for pool in pools for index in pool.components}
    parts = []
    for pool in pools:
        left, given = pool.quantity, {}
        for index in pool.components:
            part = given[index] = min(open_[index], left)
            left, open_[index] = EXACT.subtract(left, part), EXACT.subtract(open_[index], part)
        parts.append(given)
    return parts


class Sharing(Protocol):
    """What is included of some components' quantities, kept up to date while these change."""

    @property
    def included(self) -> Mapping[int, Decimal]:
        """How much of each component's quantity is free."""

    def take(self, index: int, added: Decimal) -> Iterable[int]:
        """Give a component its part of what was added to it; return the components to look at again."""


def sharings(pools: Sequence[Pool], quantities: Sequence[Decimal]) -> dict[int, Sharing]:
    """Return what keeps each component's part of the pools up to date, none for components without a pool.

    ``quantities`` is the caller's list of cumulative quantities, which is read whenever something is taken.
    """
    clusters: list[list[Pool]] = []
    for pool in pools:
        meets = [cluster for cluster in clusters if any(set(pool.components) & set(one.components) for one in cluster)]
        clusters = [cluster for cluster in clusters if cluster not in meets]
        clusters.append([one for cluster in meets for one in cluster] + [pool])
    found: dict[int, Sharing] = {}
    for cluster in clusters:
        ordered = [pool for pool in pools if pool in cluster]
        shared: Sharing = _Single(ordered[0], quantities) if len(ordered) == 1 else _Several(ordered, quantities)
        found |= {index: shared for pool in ordered for index in pool.components}
    return found


class _Several:
    """Pools that share components: handed out again whenever one of these changes."""

    def __init__(self, pools: Sequence[Pool], quantities: Sequence[Decimal]) -> None:
        self._pools, self._quantities = pools, quantities
        self._components = sorted({index for pool in pools for index in pool.components})
        self.included: dict[int, Decimal] = dict.fromkeys(self._components, ZERO)

    def take(self, _index: int, _added: Decimal) -> Iterable[int]:
        """Hand all pools out again."""
        parts = handed_out(self._pools, self._quantities)
        self.included = {index: exact_sum(part.get(index, ZERO) for part in parts) for index in self._components}
        return self._components


class _Single:
    """One pool with components of its own: kept up to date without going through all of them."""

    def __init__(self, pool: Pool, quantities: Sequence[Decimal]) -> None:
        self._pool, self._quantities = pool, quantities
        self.included = dict.fromkeys(pool.components, ZERO)
        self._left = pool.quantity
        self._holders: list[int] = []  # components that hold a part, in order

    def take(self, index: int, added: Decimal) -> Iterable[int]:
        """Give a component its part; once nothing is left, it takes from the later ones, from the last first."""
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
        (self.included,) = handed_out([self._pool], self._quantities)
        self._left = EXACT.subtract(self._pool.quantity, exact_sum(self.included.values()))
        self._holders = sorted(index for index, part in self.included.items() if part)
        return self._pool.components
