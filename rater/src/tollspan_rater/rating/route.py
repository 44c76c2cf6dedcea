"""Routes: from a meter of some usage to the component that charges it, directly or as units of another meter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tollspan_rater.pricing.item import PriceItem
from tollspan_rater.pricing.model import Conversion
from tollspan_rater.pricing.timeline import Segment
from tollspan_rater.pricing.tree import TOKENS, TREE
from tollspan_rater.rating.quantity import path


@dataclass(frozen=True, slots=True)
class Target:
    """The index of the component that charges a meter; ``conversion`` says as how much of which other meter."""

    component: int
    conversion: Conversion | None = None


class Route(dict[str, Target | None]):
    """Where each meter of usage is charged that has one segment, provider, model and facts; ``None``: no price."""

    def __init__(
        self,
        segment: Segment,
        provider: str | None,
        model: str | None,
        facts: Mapping[str, str | None],
        index: Mapping[tuple[str, str], int],
    ) -> None:
        super().__init__()
        self._segment, self._provider, self._model = segment, provider, model
        self._facts, self._index = facts, index

    def __missing__(self, meter: str) -> Target | None:
        self[meter] = found = self._target(meter)
        return found

    def _target(self, meter: str) -> Target | None:
        item = self._item(meter)
        if item is None:
            return None
        if not isinstance(item.price, Conversion):
            return Target(self._index[item.card, item.key])
        priced = self._item(item.price.to)
        if priced is None or isinstance(priced.price, Conversion):
            return None
        return Target(self._index[priced.card, priced.key], item.price)

    def _item(self, meter: str) -> PriceItem | None:
        """Walk up the tree to the first price or conversion; one without fallback takes its own meter only.

        ``tokens`` means the sum of input and output, so these two are its own.
        """
        for at in path(meter):
            items = (card.item_for(at, self._provider, self._model, self._facts) for card in self._segment.cards)
            item = next((item for item in items if item is not None), None)
            if item is not None:
                own = at == meter or (at == TOKENS and TREE.get(meter) == TOKENS)
                return item if own or item.takes_children else None
        return None
