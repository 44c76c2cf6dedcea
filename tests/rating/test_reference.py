"""Two programs, one bill: the rater against a naive one in fractions, on random cards, plans and calls."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rating.bills import NOVEMBER, group
from rating.random_bills import allowances, calls, cards, laid_out, usable
from reference.rating import bill
from tollspan_rater.pricing.policy import BILLABLE
from tollspan_rater.pricing.timeline import Segment
from tollspan_rater.rating.line import RatedPeriod, UsageGroup
from tollspan_rater.rating.marginal import Marginal
from tollspan_rater.rating.rate import rate

Data = dict[str, Any]


def summed(listed: list[Data], cut: int) -> list[UsageGroup]:
    """Sum calls by model, in two heaps: what is summed together must not matter."""
    groups = []
    for heap in (listed[:cut], listed[cut:]):
        for model in sorted({call["model"] for call in heap}):
            same = [call["usage"] for call in heap if call["model"] == model]
            meters = sorted({meter for usage in same for meter in usage})
            sums = {meter: sum(usage.get(meter, 0) for usage in same) for meter in meters}
            groups.append(group(sums, model=model, provider="any", calls=len(same)))
    return groups


def amounts(rated: RatedPeriod) -> dict[str, Fraction]:
    return {line.component.split("~")[0]: Fraction(line.amount_exact) for line in rated.lines}


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(cards(), allowances, calls, st.integers(0, 6))
def test_the_naive_program_comes_to_the_same_bills(card: Data, wanted: Data, drawn: list[Data], cut: int) -> None:
    included = usable(card, wanted)
    segments = laid_out(card, included)
    for listed in (drawn, drawn[::2], drawn[1:], drawn * 3):  # four customers with one plan
        compare(card, included, segments, listed, cut)


def compare(card: Data, included: Data, segments: tuple[Segment, ...], listed: list[Data], cut: int) -> None:
    expected, homeless = bill(listed, card, included)
    rated = rate(NOVEMBER, segments, summed(listed, cut))

    named = {
        f"p/c/{price['meter']}:*/{price['model']}": expected[number]
        for number, price in enumerate(card["prices"])
        if number in expected
    }
    assert {name: value for name, value in named.items() if value} == {n: v for n, v in amounts(rated).items() if v}
    homeless.pop("request", None)
    assert {share.meter: share.quantity for share in rated.unpriced} == homeless
    for line in rated.lines:
        assert sum((step.amount for step in line.steps), Decimal(0)) == line.amount_exact
        assert line.included + line.billable == line.quantity

    marginal, charged = Marginal(segments), Decimal(0)
    for call in listed:
        quantities = {meter: Decimal(count) for meter, count in call["usage"].items()}
        one = marginal.charge(NOVEMBER.start_ns, "any", call["model"], quantities, BILLABLE)
        assert one.amount is None or one.amount == sum((amount for _, amount in one.components), Decimal(0))
        charged += one.amount or 0
    assert charged == sum((line.amount_exact for line in rated.lines), Decimal(0))
