"""Tariffs by what they are made of: thousands of customers share a few."""

from __future__ import annotations

from dataclasses import fields
from typing import Final

from tollspan_rater.pricing.addon import Held
from tollspan_rater.pricing.card import RateCard
from tollspan_rater.pricing.model import CostPlus
from tollspan_rater.pricing.plan import Plan
from tollspan_rater.pricing.timeline import Segment
from tollspan_rater.query.price_sql import linear
from tollspan_rater.rating.tariff import Tariff

_PARTS: Final = tuple(field.name for field in fields(Segment))


class Tariffs:
    """Lays each set of prices out once, however many customers and periods it holds for."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], tuple[tuple[Segment, ...], Tariff]] = {}
        self._met: dict[int, tuple[tuple[Segment, ...], Tariff]] = {}  # by the identity of shared segments

    def of(self, segments: tuple[Segment, ...]) -> Tariff:
        """Return the tariff of a period's segments; those of equal times, plan and cards share one."""
        met = self._met.get(id(segments))
        if met is not None:
            return met[1]
        key = tuple(_name(getattr(segment, part)) for segment in segments for part in _PARTS)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = (segments, Tariff(segments))  # the segments keep alive what the ids name
        self._met[id(segments)] = (segments, found[1])
        return found[1]


def adds_up(tariff: Tariff) -> bool:
    """Tell whether a call is charged the same whatever was used before it."""
    items = [component.item for component in tariff.components]
    return not tariff.pools and all(
        linear(item) or (isinstance(item.price, CostPlus) and item.unit is None and item.aggregate == "sum")
        for item in items
    )


def _name(part: object) -> object:
    """Return what tells a part of a segment from others: plans and cards are shared objects, and long to compare."""
    if isinstance(part, tuple):
        return tuple(map(_name, part))
    return id(part) if isinstance(part, Plan | RateCard | Held) else part
