"""Short ways to make price books, usage and bills for the tests of rating."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

from tollspan_rater.pricing.book import load
from tollspan_rater.pricing.period import Period, period
from tollspan_rater.pricing.policy import BILLABLE, Treatment
from tollspan_rater.pricing.timeline import Applied, Assignment, Segment, segments
from tollspan_rater.rating.line import RatedPeriod, UsageGroup
from tollspan_rater.rating.rate import rate

NOVEMBER = period("2026-11", "UTC")
Number = int | str | Decimal


@lru_cache(maxsize=64)
def tariff(card: str, plan: str = "", within: Period = NOVEMBER) -> tuple[Segment, ...]:
    """One segment: a card (the lines of ``prices``) and a plan on it that holds since ever."""
    files = {
        "card.yaml": f"card: list\ncurrency: USD\nper: 1\nprices:\n{card}",
        "plan.yaml": f"plan: paid\ncurrency: USD\ncards: [list]\n{plan}",
    }
    return segments(within, [Applied(load(files), 0, 1)], [Assignment("paid", 0)], 1)


def group(
    quantities: Mapping[str, Number],
    *,
    model: str | None = "gpt-4.1",
    provider: str | None = "openai",
    calls: int = 1,
    decision: Treatment = BILLABLE,
    segment: int = 0,
) -> UsageGroup:
    """A group of usage with quantities written as numbers."""
    exact = {meter: Decimal(quantity) for meter, quantity in quantities.items()}
    return UsageGroup(provider, model, decision, segment, calls, exact)


def bill(card: str, plan: str, *groups: UsageGroup) -> RatedPeriod:
    """Rate groups in November 2026."""
    return rate(NOVEMBER, tariff(card, plan), groups, owner="test/acme")


def exact(rated: RatedPeriod) -> Decimal:
    """The exact total of a bill in one currency."""
    return rated.exact_totals[0].amount if rated.exact_totals else Decimal(0)
