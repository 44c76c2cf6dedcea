"""Price items: what one meter costs, or what it counts as, for the usage that fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tollspan_rater.pricing.canonical import LATER
from tollspan_rater.pricing.match import Match, Weight, fits, weight
from tollspan_rater.pricing.model import Conversion, Percentage, PriceModel
from tollspan_rater.pricing.pattern import matches, specificity
from tollspan_rater.pricing.unit_rule import UnitRule

Rank = tuple[int, tuple[bool, int], tuple[bool, int], int, Weight]


@dataclass(frozen=True, slots=True)
class PriceItem:
    """The price of one meter, or its conversion, for the usage that fits its patterns.

    ``takes_children``: meters below this one that have no price of their own are charged here, too.
    ``key`` names the item within its card. ``per`` is how the price is quoted, for showing only.
    ``aggregate`` and ``of`` are those of the declared meter. ``zero_flat``: what the model asks for at 0 is
    due in every period, on a line of its own.
    """

    card: str
    meter: str
    model: str
    provider: str
    price: PriceModel | Conversion
    takes_children: bool = True
    match: Match = field(default=(), metadata=LATER)
    priority: int = field(default=0, metadata=LATER)
    unit: UnitRule | None = field(default=None, metadata=LATER)
    zero_flat: bool = field(default=False, metadata=LATER)
    aggregate: str = field(default="sum", metadata=LATER)
    of: str | None = field(default=None, metadata=LATER)
    per: str = field(default="1", compare=False)
    path: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)

    @property
    def key(self) -> str:
        """Return the item's name: meter, provider pattern, model pattern, what else it matches, its priority."""
        further = ",".join(f"{name}={pattern}" for name, pattern in self.match)
        priority = f"+{self.priority}" if self.priority else ""
        return f"{self.meter}:{self.provider}/{self.model}{'{' + further + '}' if further else ''}{priority}"

    @property
    def rank(self) -> Rank:
        """Return how the item ranks among those that fit: the greatest decides."""
        model, provider = specificity(self.model), specificity(self.provider)
        return (self.priority, model, provider, len(self.match), weight(self.match))

    @property
    def sampled(self) -> bool:
        """Whether single events decide on the amount, so that sums are not enough to rate it."""
        return self.aggregate != "sum" or (isinstance(self.price, Percentage) and self.price.by_event)

    def fits(self, provider: str | None, model: str | None, facts: Mapping[str, str | None]) -> bool:
        """Tell whether the item is for usage of this model of this provider with these facts."""
        return matches(self.model, model) and matches(self.provider, provider) and fits(self.match, facts)
