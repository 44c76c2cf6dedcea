"""Random cards of every price model and option: call by call or all at once, in any order and cut, one bill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from rating.bills import NOVEMBER
from rating.events import offer, rated
from tollspan_rater.domain.money import exact_sum
from tollspan_rater.pricing.policy import BILLABLE
from tollspan_rater.pricing.timeline import Segment
from tollspan_rater.rating.line import UsageGroup
from tollspan_rater.rating.marginal import Marginal
from tollspan_rater.rating.quantity import exclusive
from tollspan_rater.rating.sample import Sample
from tollspan_rater.rating.tariff import Tariff

D = Decimal
METERS = (
    "{credits: {}, volume: {}, seats: {aggregate: max}, people: {aggregate: unique, of: user}, "
    "jobs: {aggregate: count}, disk: {aggregate: latest}}"
)
MODELS = (
    "price: 3",
    "price: 0",
    "flat: 9",
    "graduated: [{up_to: 10, price: 3, flat: 2}, {up_to: 30.5, price: 2}, {price: 1, flat: 4}]",
    "volume: [{up_to: 10, price: 3}, {up_to: 30.5, price: 2, flat: 1}, {price: 1}]",
    "stairstep: [{up_to: 5, amount: 50}, {up_to: 20, amount: 40}, {amount: 400}]",
    "package: {size: 7, price: 2, free: 5}",
    "package: {size: 7, price: 2, round: down}",
    "percentage: {rate: 2.9, free_amount: 12}",
)
FEES = ("fixed: 0.3", "fixed: 0.3, free_events: 2, min: 0.5, max: 1", "free_events: 1, free_amount: 25", "min: 1")
OPTIONS = ("", ", unit: {divide: 4, round: ceil}", ", unit: {multiply: 0.5, round: half_up, digits: 1}")
TOKENS = ("input", "output", "cache_read", "image")
SUMMED = (*TOKENS, "credits")
WITH_FEE = ("graduated", "volume", "stairstep", "flat")
SAMPLED = ("seats", "people", "jobs", "disk")
MATCHES = ("", "match: {feature: chat}, ", "match: {feature: 'c*', environment: production}, priority: 1, ")


def card(draw: Random) -> str:
    """Entries of prices: any model with any option on any meter, for all usage and for some of it."""
    rows = ["provider: any, image: 1"]
    rows += [
        match + entry(draw, meter)
        for match in MATCHES
        for meter in ("tokens", *SUMMED, "volume", *SAMPLED)
        if (meter in ("tokens", "credits", *SAMPLED) and not match) or draw.random() < 0.3
    ]
    return "".join(f"  - {{{row}}}\n" for row in rows)


def entry(draw: Random, meter: str) -> str:
    kind = draw.random()
    if meter == "volume" and kind < 0.7:
        return f"volume: {{percentage: {{rate: 2, {draw.choice(FEES)}}}}}"
    if meter in TOKENS and kind < 0.2:
        return f"{meter}: {{cost_plus: {{markup: 20, margin: 0.01}}}}"
    if meter in TOKENS and kind < 0.4:
        return f"convert: {{to: credits, {meter}: 0.5}}"
    model = draw.choice(MODELS)
    flat = ", zero_flat: yes" if model.startswith(WITH_FEE) and kind > 0.7 else ""
    return f"{meter}: {{{model}{draw.choice(OPTIONS)}{flat}}}"


@dataclass(frozen=True)
class Called:
    """A call with its quantities, the cost of each, its feature and its user."""

    quantities: dict[str, Decimal]
    costs: dict[str, Decimal]
    feature: str | None
    user: str | None


def call(draw: Random) -> Called:
    read = draw.randint(0, 4)
    quantities = {
        "input": D(read + draw.randint(0, 20)),
        "cache_read": D(read),
        "output": D(draw.randint(0, 30)),
    }
    rare = draw.sample(["image", "credits", "volume", *SAMPLED], draw.randint(0, 3))
    quantities |= {meter: D(draw.randint(-3, 12)) for meter in rare}
    costs = {meter: D(len(meter)) / 8 for meter in TOKENS if draw.random() < 0.8}
    return Called(quantities, costs, draw.choice([None, "chat", "code"]), draw.choice([None, "ann", "bob"]))


PLANS = (
    "",
    "included: {tokens: 40}",
    "included: {credits: 6}",
    "included: {seats: 2, people: 1}",
    "included: {tokens: 15}\ndiscounts: [{units: 9, on: [tokens, credits]}, {units: 4}]",
)


def facts_of(tariff: Tariff, call: Called) -> tuple[tuple[str, str | None], ...]:
    return tuple((name, call.feature if name == "feature" else None) for name in tariff.dimensions)


def usage(tariff: Tariff, drawn: Sequence[Called]) -> tuple[list[UsageGroup], list[Sample]]:
    """Each call as a group of its own and a sample of each sampled meter."""
    groups, samples = [], []
    for at, call in enumerate(drawn):
        facts = facts_of(tariff, call)
        summed = {meter: q for meter, q in call.quantities.items() if meter not in tariff.sampled}
        groups.append(UsageGroup(None, None, BILLABLE, 0, 1, summed, facts=facts, costs=call.costs))
        samples += [
            Sample(NOVEMBER.start_ns + at, f"c{at}", 0, None, None, facts, BILLABLE, meter, q, call.user)
            for meter, q in call.quantities.items()
            if meter in tariff.sampled
        ]
    return groups, samples


def merged(groups: Sequence[UsageGroup]) -> list[UsageGroup]:
    """Add up groups that agree in their facts and in what is known of their cost."""
    found: dict[object, UsageGroup] = {}
    for group in groups:
        own, costs = exclusive(group.quantities), group.costs or {}
        key = (group.facts, frozenset(own), frozenset(costs))
        other = found.get(key)
        if other is not None:
            quantities = {m: q + other.quantities[m] for m, q in group.quantities.items()}
            costs = {m: c + (other.costs or {})[m] for m, c in costs.items()}
            found[key] = replace(group, calls=group.calls + other.calls, quantities=quantities, costs=costs)
        else:
            found[key] = group
    return list(found.values())


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**9))
@example(235)  # clamps that even out in number, not in amount
def test_one_bill(seed: int) -> None:
    draw = Random(seed)  # noqa: S311 - drawn again from the seed that a failure names
    held = offer(card(draw), METERS, draw.choice(PLANS))
    drawn = [call(draw) for _ in range(draw.randint(0, 9))]
    tariff = Tariff(held)
    groups, samples = usage(tariff, drawn)
    bill = rated(held, groups, samples)
    for line in bill.lines:
        assert exact_sum(step.amount for step in line.steps) == line.amount_exact
        assert line.included + line.billable == line.quantity
    adds_up(held, drawn, {line.component: line.amount_exact for line in bill.lines if line.kind == "usage"})
    conserves(drawn, bill)
    shuffled = rated(held, draw.sample(groups, len(groups)), draw.sample(samples, len(samples)))
    assert shuffled == bill
    assert rated(held, merged(groups), samples).exact_totals == bill.exact_totals


def adds_up(held: tuple[Segment, ...], drawn: Sequence[Called], lines: dict[str, Decimal]) -> None:
    """Check that the charges of the calls, in their order, add up to each line."""
    marginal, sums = Marginal(held), {}
    for at, call in enumerate(drawn):
        charge = marginal.charge(
            NOVEMBER.start_ns + at, None, None, call.quantities, BILLABLE,
            facts=facts_of(Tariff(held), call), costs=call.costs, key=f"c{at}", of={"user": call.user},
        )  # fmt: skip
        assert charge.amount is None or charge.amount == exact_sum(amount for _, amount in charge.components)
        for name, amount in charge.components:
            sums[name] = sums.get(name, D(0)) + amount
    assert {name: amount for name, amount in sums.items() if amount} == {n: a for n, a in lines.items() if a}


def conserves(drawn: Sequence[Called], bill: object) -> None:
    """Check that all usage is on the invoice or listed as unpriced, each unit once."""
    used: dict[str, Decimal] = {}
    for call in drawn:
        for meter, quantity in exclusive(call.quantities).items():
            used[meter] = used.get(meter, D(0)) + quantity
    found: dict[str, Decimal] = {}
    for share in (*bill.on_invoice, *bill.unpriced):  # type: ignore[attr-defined]
        found[share.meter] = found.get(share.meter, D(0)) + share.quantity
    assert {meter: q for meter, q in found.items() if q} == {meter: q for meter, q in used.items() if q}
