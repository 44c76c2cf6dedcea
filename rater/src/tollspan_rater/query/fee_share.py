"""How a base fee is divided where an answer looks below the customer: by usage, in equal parts, or not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from tollspan_rater.domain.money import allocate, exact_sum, minor_unit
from tollspan_rater.query.grouping import Value
from tollspan_rater.query.rated import RatedCall

Key = tuple[str | None, ...]  # the values of a grouping's dimensions and, last, the currency
Place = tuple[str | None, str, str | None]  # customer, period, plan


@dataclass(slots=True)
class Weight:
    """Tokens, and the calls and units that used them or anything else."""

    tokens: int = 0
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Weights:
    """What the calls of each plan that a customer held in a period weigh, by the dimensions of a grouping."""

    readers: Sequence[Value]
    currency_of: Callable[[RatedCall], str | None]
    places: dict[Place, dict[Key, Weight]] = field(default_factory=dict)

    def noting(self, calls: Iterable[RatedCall]) -> Iterator[RatedCall]:
        """Yield calls as they come, and note what each weighs."""
        for call in calls:
            key = (*(read(call) for read in self.readers), self.currency_of(call))
            held = self.places.setdefault((call.row.customer, call.period.label, call.plan), {})
            weight = held.setdefault(key, Weight())
            weight.tokens += (call.row.input or 0) + (call.row.output or 0)
            weight.calls += call.calls
            yield call

    def divided(self, amount: Decimal, currency: str, place: Place, rule: str) -> dict[Key, Decimal]:
        """Divide a fee of a plan that was held in a period; the parts are whole minor units and add up to it.

        ``usage`` goes by tokens, by calls and units where no tokens were used, ``equal`` by groups. Nothing comes
        back when the fee stays undivided, or nobody used anything.
        """
        held = self.places.get(place, {})
        keys = sorted(held, key=lambda key: tuple(map(str, key)))
        if rule == "none" or not keys:
            return {}
        weights = [Decimal(1) for _ in keys]
        if rule == "usage":
            by_tokens = [Decimal(held[key].tokens) for key in keys]
            weights = by_tokens if exact_sum(by_tokens) else [Decimal(held[key].calls) for key in keys]
        return dict(zip(keys, allocate(amount, weights, minor_unit(currency)), strict=True))
