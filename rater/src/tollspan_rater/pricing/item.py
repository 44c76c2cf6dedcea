"""Price items: what one meter costs, for the models and providers that fit."""

from __future__ import annotations

from dataclasses import dataclass, field

from tollspan_rater.pricing.model import PriceModel
from tollspan_rater.pricing.pattern import matches, specificity


@dataclass(frozen=True, slots=True)
class PriceItem:
    """The price of one meter for the models and providers that fit its patterns.

    ``takes_children``: meters below this one that have no price of their own are charged here, too.
    ``key`` names the item within its card. ``per`` is how the price is quoted, for showing only.
    """

    card: str
    meter: str
    model: str
    provider: str
    price: PriceModel
    takes_children: bool = True
    per: str = field(default="1", compare=False)
    path: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)

    @property
    def key(self) -> str:
        """Return the item's name: meter, provider pattern, model pattern."""
        return f"{self.meter}:{self.provider}/{self.model}"

    @property
    def rank(self) -> tuple[tuple[bool, int], tuple[bool, int]]:
        """Return how specific the item is: the model's pattern decides, then the provider's."""
        return (specificity(self.model), specificity(self.provider))

    def fits(self, provider: str | None, model: str | None) -> bool:
        """Tell whether the item prices this model of this provider."""
        return matches(self.model, model) and matches(self.provider, provider)
