"""The prices of a period, laid out for rating: components, the allowances they share, and the way to them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tollspan_rater.pricing.allowance import Allowance
from tollspan_rater.pricing.canonical import canonical
from tollspan_rater.pricing.item import PriceItem
from tollspan_rater.pricing.plan import Plan
from tollspan_rater.pricing.timeline import Segment
from tollspan_rater.pricing.tree import TOKENS, TREE, below
from tollspan_rater.rating.pool import Pool
from tollspan_rater.rating.quantity import path


@dataclass(frozen=True, slots=True)
class Component:
    """A price item of a plan in a period: tiers count from zero within it, and it is rounded once.

    Segments whose plan has the same name and prices an item equally share the component, whatever else
    changed between their versions.
    """

    name: str
    plan: str
    currency: str
    item: PriceItem


class Route(dict[str, int | None]):
    """The index of the component that charges a meter, for one model in one segment; ``None``: no price."""

    def __init__(
        self, segment: Segment, provider: str | None, model: str | None, index: Mapping[tuple[str, str], int]
    ) -> None:
        super().__init__()
        self._segment, self._provider, self._model, self._index = segment, provider, model, index

    def __missing__(self, meter: str) -> int | None:
        item = self._item(meter)
        found = self._index[item.card, item.key] if item else None
        self[meter] = found
        return found

    def _item(self, meter: str) -> PriceItem | None:
        """Walk up the tree to the first price; one without fallback takes its own meter only.

        ``tokens`` means the sum of input and output, so these two are its own.
        """
        for at in path(meter):
            items = (card.item_for(at, self._provider, self._model) for card in self._segment.cards)
            item = next((item for item in items if item is not None), None)
            if item is not None:
                own = at == meter or (at == TOKENS and TREE.get(meter) == TOKENS)
                return item if own or item.takes_children else None
        return None


class Tariff:
    """All components of a period's segments, in a fixed order: by plan, then as its cards list them."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self.segments = tuple(segments)
        rows = [row for number, segment in enumerate(self.segments) for row in _rows(number, segment)]
        rows.sort(key=lambda row: (row.plan.name, row.order, row.name, row.segment))
        first = {row.name: row for row in reversed(rows)}
        names = list(dict.fromkeys(row.name for row in rows))
        place = {name: index for index, name in enumerate(names)}
        self.components = tuple(
            Component(name, first[name].plan.name, first[name].plan.currency, first[name].item) for name in names
        )
        self._index: list[dict[tuple[str, str], int]] = [{} for _ in self.segments]
        members: dict[tuple[str, Allowance], list[int]] = {}
        for row in rows:
            self._index[row.segment][row.item.card, row.item.key] = place[row.name]
            if row.allowance is not None:
                members.setdefault((row.plan.name, row.allowance), []).append(place[row.name])
        self.pools = tuple(Pool(*key, tuple(dict.fromkeys(places))) for key, places in members.items())
        self._routes: dict[tuple[int, str | None, str | None], Route] = {}

    def route(self, segment: int, provider: str | None, model: str | None) -> Route:
        """Return the way from meters to components for a model in a segment."""
        key = (segment, provider, model)
        route = self._routes.get(key)
        if route is None:
            route = self._routes[key] = Route(self.segments[segment], provider, model, self._index[segment])
        return route


@dataclass(frozen=True, slots=True)
class _Row:
    """A price item as it stands in one segment."""

    segment: int
    plan: Plan
    order: tuple[int, int]
    item: PriceItem
    allowance: Allowance | None
    name: str


def _rows(number: int, segment: Segment) -> list[_Row]:
    plan = segment.plan
    if plan is None:
        return []
    rows = []
    for card_order, card in enumerate(segment.cards):
        for item_order, item in enumerate(card.items):
            allowance = next((one for one in plan.included if below(item.meter, one.meter)), None)
            digest = _digest(item, allowance, plan.currency)
            name = f"{plan.name}/{card.name}/{item.key}~{digest}"
            rows.append(_Row(number, plan, (card_order, item_order), item, allowance, name))
    return rows


@lru_cache(maxsize=4096)
def _digest(item: PriceItem, allowance: Allowance | None, currency: str) -> str:
    return hashlib.sha256(canonical((item, allowance, currency)).encode()).hexdigest()[:8]
