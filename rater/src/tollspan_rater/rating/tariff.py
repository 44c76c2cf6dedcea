"""The prices of a period, laid out for rating: components, the allowances they share, and the way to them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tollspan_rater.pricing.allowance import Allowance
from tollspan_rater.pricing.canonical import canonical
from tollspan_rater.pricing.discount import Discount
from tollspan_rater.pricing.item import PriceItem
from tollspan_rater.pricing.model import Conversion, CostPlus, Percentage, PriceModel
from tollspan_rater.pricing.plan import Plan
from tollspan_rater.pricing.timeline import Segment
from tollspan_rater.pricing.tree import below
from tollspan_rater.rating.pool import Pool
from tollspan_rater.rating.route import Route
from tollspan_rater.rating.sample import Facts


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
    price: PriceModel

    @property
    def follows_cost(self) -> bool:
        """Whether what the provider charges decides on the amount."""
        return isinstance(self.price, CostPlus)


class Tariff:
    """All components of a period's segments, in a fixed order: by plan, then as its cards list them.

    ``dimensions`` are the facts that some price of the period looks at, sorted: usage that differs in one of
    them must be kept apart. ``sampled`` are the meters of which single events decide, so that they come as
    samples; ``unique_of`` the dimensions whose different values they count. ``wants_cost``: some price follows
    what the provider charges.
    """

    def __init__(self, segments: Sequence[Segment]) -> None:
        self.segments = tuple(segments)
        rows = [row for number, segment in enumerate(self.segments) for row in _rows(number, segment)]
        rows.sort(key=lambda row: (row.plan.name, row.order, row.segment, row.name))
        first = {row.name: row for row in reversed(rows)}
        names = list(dict.fromkeys(row.name for row in rows))
        place = {name: index for index, name in enumerate(names)}
        self.components = tuple(
            Component(name, row.plan.name, row.plan.currency, row.item, row.price)
            for name in names
            for row in [first[name]]
        )
        self._index: list[dict[tuple[str, str], int]] = [{} for _ in self.segments]
        for row in rows:
            self._index[row.segment][row.item.card, row.item.key] = place[row.name]
        self.pools = _pools(self.segments, rows, place)
        items = [item for segment in self.segments for card in segment.cards for item in card.items]
        self.dimensions = tuple(sorted({name for item in items for name, _pattern in item.match}))
        self.sampled = frozenset(item.meter for item in items if item.sampled)
        self.wants_cost = any(isinstance(item.price, CostPlus) for item in items)
        self._of = [
            {item.meter: item.of for card in segment.cards for item in card.items if item.of is not None}
            for segment in self.segments
        ]
        self.unique_of = tuple(sorted({name for of in self._of for name in of.values()}))
        self._routes: dict[tuple[int, str | None, str | None, Facts], Route] = {}

    def route(self, segment: int, provider: str | None, model: str | None, facts: Facts = ()) -> Route:
        """Return where the meters of usage are charged; ``facts`` are the values of ``dimensions``."""
        key = (segment, provider, model, facts)
        route = self._routes.get(key)
        if route is None:
            index = self._index[segment]
            route = self._routes[key] = Route(self.segments[segment], provider, model, dict(facts), index)
        return route

    def versions(self, component: Component) -> tuple[str, ...]:
        """Return the price versions that hold a component, in the order of time."""
        index = self.components.index(component)
        held = (self.segments[number].version for number, places in enumerate(self._index) if index in places.values())
        return tuple(dict.fromkeys(version for version in held if version))

    def of(self, segment: int, meter: str) -> str | None:
        """Return the dimension whose different values a meter counts in a segment, ``None`` for other meters."""
        return self._of[segment].get(meter)


@dataclass(frozen=True, slots=True)
class _Row:
    """A price item as it stands in one segment."""

    segment: int
    plan: Plan
    order: tuple[int, int]
    item: PriceItem
    price: PriceModel
    name: str


def _pools(segments: Sequence[Segment], rows: Sequence[_Row], place: Mapping[str, int]) -> tuple[Pool, ...]:
    """Lay out what costs nothing: allowances first, then the discounts in units; each in the order of its plan.

    A price that looks at single events takes no part: which of its events would be free has no answer.
    """
    included: dict[tuple[str, Allowance], set[int]] = {
        (segment.plan.name, allowance): set() for segment in segments if segment.plan for allowance in segment.included
    }
    free: dict[tuple[str, int, Discount], set[int]] = {}
    for row in rows:
        if isinstance(row.price, Percentage) and row.price.by_event:
            continue
        segment = segments[row.segment]
        for allowance in segment.included:
            if below(row.item.meter, allowance.meter):
                included[row.plan.name, allowance].add(place[row.name])
        for number, discount in enumerate(segment.free_units):
            if discount.covers(row.item.card, row.item.meter):
                free.setdefault((row.plan.name, number, discount), set()).add(place[row.name])
    covered = [
        Pool(f"included in plan {plan}", allowance.quantity, tuple(sorted(places)))
        for (plan, allowance), places in included.items()
        if places
    ]
    discounted = [
        Pool(f"free by {discount.name or 'discount'}", discount.value, tuple(sorted(places)))
        for (_plan, _number, discount), places in sorted(free.items(), key=lambda entry: entry[0][:2])
    ]
    return (*covered, *discounted)


def _rows(number: int, segment: Segment) -> list[_Row]:
    plan = segment.plan
    if plan is None:
        return []
    rows = []
    for card_order, card in enumerate(segment.cards):
        for item_order, item in enumerate(card.items):
            if isinstance(item.price, Conversion):
                continue
            allowance = next((one for one in plan.included if below(item.meter, one.meter)), None)
            digest = _digest(item, allowance, plan.currency)
            name = f"{plan.name}/{card.name}/{item.key}~{digest}"
            rows.append(_Row(number, plan, (card_order, item_order), item, item.price, name))
    return rows


@lru_cache(maxsize=4096)
def _digest(item: PriceItem, allowance: Allowance | None, currency: str) -> str:
    return hashlib.sha256(canonical((item, allowance, currency)).encode()).hexdigest()[:8]
