"""Short ways to make cards with every option, single events, and bills of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

from rating.bills import NOVEMBER, Number, group
from tollspan_rater.pricing.book import load
from tollspan_rater.pricing.policy import BILLABLE, Treatment
from tollspan_rater.pricing.timeline import Applied, Assignment, Segment, segments
from tollspan_rater.rating.line import RatedPeriod, UsageGroup
from tollspan_rater.rating.marginal import Marginal
from tollspan_rater.rating.rate import rate
from tollspan_rater.rating.sample import Facts, Sample


@lru_cache(maxsize=256)
def offer(prices: str, meters: str = "{}", plan: str = "") -> tuple[Segment, ...]:
    """One segment of November 2026: a card with these prices and declared meters, and a plan on it."""
    files = {
        "card.yaml": f"card: list\ncurrency: USD\nper: 1\nmeters: {meters}\nprices:\n{prices}",
        "plan.yaml": f"plan: paid\ncurrency: USD\ncards: [list]\n{plan}",
    }
    return segments(NOVEMBER, [Applied(load(files), 0, 1)], [Assignment("paid", 0)], 1)


def event(
    at: int,
    meter: str,
    quantity: Number,
    of: str | None = None,
    *,
    key: str = "",
    model: str | None = None,
    facts: Facts = (),
    decision: Treatment = BILLABLE,
) -> Sample:
    """One event, ``at`` nanoseconds into the month."""
    at_ns = NOVEMBER.start_ns + at
    return Sample(at_ns, key or f"c{at:04}", 0, None, model, facts, decision, meter, Decimal(quantity), of)


def values(meter: str, *quantities: Number) -> list[Sample]:
    """Events of a meter one after the other."""
    return [event(at, meter, quantity) for at, quantity in enumerate(quantities)]


def rated(held: Sequence[Segment], groups: Sequence[UsageGroup] = (), samples: Sequence[Sample] = ()) -> RatedPeriod:
    """Rate usage in November 2026."""
    return rate(NOVEMBER, held, groups, samples, owner="test/acme")


def fact_group(quantities: Mapping[str, Number], facts: Facts, **more: str | None) -> UsageGroup:
    """A group of usage with facts."""
    return replace(group(quantities, **more), facts=facts)  # type: ignore[arg-type]


def charged(held: Sequence[Segment], samples: Sequence[Sample]) -> list[Decimal | None]:
    """Charge events one call after the other, in their order of time."""
    marginal = Marginal(held)
    return [
        marginal.charge(
            one.at_ns, one.provider, one.model, {one.meter: one.quantity}, one.decision,
            facts=one.facts, key=one.key, of={"user": one.of},
        ).amount
        for one in sorted(samples, key=lambda one: (one.at_ns, one.key))
    ]  # fmt: skip
