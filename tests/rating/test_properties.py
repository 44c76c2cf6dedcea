"""What holds of every bill, whatever the prices: order, splits, conservation, edges, units, rounding, monotony."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ledger.books import amounts_booked
from tests.rating import random_bills
from tests.rating.bills import NOVEMBER, bill, exact, group, tariff
from tests.rating.calls import Call, Seen
from tests.rating.compare import call_of, laid_out
from tests.reference import modifiers, prices
from tests.reference.meters import parts
from tollspan_rater.pricing.segment import Segment
from tollspan_rater.rating.line import RatedPeriod, UsageGroup
from tollspan_rater.rating.rate import rate

D = Decimal
Data = dict[str, Any]
quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
seeds = st.integers(0, 10**9)
TIERED = (random_bills.graduated, random_bills.volume, random_bills.stairstep)
PRICED = (*TIERED, random_bills.per_unit, random_bills.package, random_bills.flat)


def drawn(seed: int) -> tuple[tuple[Segment, ...], list[Call]]:
    """Return a random plan and one customer's calls."""
    case = random_bills.case(seed, customers=1)
    return laid_out(case), [call_of(one, number) for number, one in enumerate(case["customers"][0])]


def rated(
    segments: tuple[Segment, ...], calls: Sequence[Call], groups: Sequence[UsageGroup] | None = None
) -> RatedPeriod:
    seen = Seen(segments)
    samples = [sample for call in calls for sample in seen.samples(call)]
    listed = [seen.group(call) for call in calls] if groups is None else groups
    return rate(NOVEMBER, segments, listed, samples, owner="t/acme")


def merged(groups: Sequence[UsageGroup]) -> list[UsageGroup]:
    """Add up groups that are priced alike, as a query does."""
    alike: dict[Any, UsageGroup] = {}
    for one in groups:
        key = (one.provider, one.model, one.decision, one.segment, one.facts, tuple(sorted(one.costs or ())))
        known = alike.get(key)
        if known is None or set(known.quantities) != set(one.quantities):
            alike[(key, len(alike)) if known is not None else key] = one
            continue
        costs = None if one.costs is None else {m: c + (known.costs or {})[m] for m, c in one.costs.items()}
        quantities = {meter: quantity + known.quantities[meter] for meter, quantity in one.quantities.items()}
        alike[key] = replace(known, quantities=quantities, costs=costs, calls=known.calls + one.calls)
    return list(alike.values())


def halved(groups: Sequence[UsageGroup]) -> list[UsageGroup]:
    """Cut every group into two of half the quantities."""
    half = [
        replace(
            one,
            quantities={meter: quantity / 2 for meter, quantity in one.quantities.items()},
            costs=None if one.costs is None else {meter: cost / 2 for meter, cost in one.costs.items()},
        )
        for one in groups
    ]
    return [*half, *reversed(half)]


@quick
@given(seeds, seeds)
def test_order_does_not_matter(seed: int, shuffle: int) -> None:
    segments, calls = drawn(seed)
    mixed = random_bills.seeded(shuffle).sample(calls, len(calls))
    assert rated(segments, mixed) == rated(segments, calls)


@quick
@given(seeds)
def test_how_usage_is_cut_into_groups_does_not_matter(seed: int) -> None:
    segments, calls = drawn(seed)
    seen = Seen(segments)
    groups = [seen.group(call) for call in calls]
    whole = rated(segments, calls)
    for cut in (merged(groups), halved(groups)):
        again = rated(segments, calls, cut)
        assert [(line.line_id, line.amount_exact, line.amount) for line in again.lines] == [
            (line.line_id, line.amount_exact, line.amount) for line in whole.lines
        ]
        assert again.totals == whole.totals


@quick
@given(seeds)
def test_rating_again_gives_the_same_lines_and_adds_nothing(seed: int) -> None:
    segments, calls = drawn(seed)
    assert rated(segments, calls) == rated(segments, calls)
    names = [line.line_id for line in rated(segments, calls).lines]
    assert len(names) == len(set(names))


@quick
@given(seeds)
def test_conservation_of_money(seed: int) -> None:
    """Charges of calls add up to usage lines, steps to their line, lines to the total."""
    segments, calls = drawn(seed)
    whole = rated(segments, calls)
    of_usage = {line.component: line.amount_exact for line in whole.lines if line.kind == "usage"}
    charged: dict[str, Decimal] = {}
    for one in Seen(segments).charges(calls):
        for component, amount in one.components:
            charged[component] = charged.get(component, D(0)) + amount
        assert one.amount is None or one.amount == sum((amount for _, amount in one.components), D(0))
    assert {name: a for name, a in charged.items() if a} == {name: a for name, a in of_usage.items() if a}
    for line in whole.lines:
        assert line.quantity == line.included + line.billable
        if line.kind in ("usage", "flat_fee", "base_fee", "addon"):
            assert sum((step.amount for step in line.steps), D(0)) == line.amount_exact
    assert sum((line.amount for line in whole.lines), D(0)) == sum((money.amount for money in whole.totals), D(0))


@quick
@given(seeds)
def test_conservation_of_usage(seed: int) -> None:
    """On the invoice, not on it and unpriced: every unit of every meter is in exactly one of the three."""
    segments, calls = drawn(seed)
    whole = rated(segments, calls)
    used: dict[str, Fraction] = {}
    for call in calls:
        for meter, quantity in parts(dict(call.quantities)).items():
            used[meter] = used.get(meter, Fraction(0)) + quantity
    told: dict[str, Fraction] = {}
    for share in (*whole.on_invoice, *whole.not_on_invoice, *whole.unpriced):
        told[share.meter] = told.get(share.meter, Fraction(0)) + Fraction(share.quantity or 0)
    for counts in (used, told):
        counts.pop("request", None)  # a request as such is usage only where requests have a price
    assert {meter: q for meter, q in told.items() if q} == {meter: q for meter, q in used.items() if q}


def card_of(price: Data) -> str:
    return f"- {json.dumps({'agent_run': price})}"


def bounds_of(price: Data) -> list[Decimal]:
    tiers: list[Data] = next((price[name] for name in ("graduated", "volume", "stairstep") if name in price), [])
    pack = price.get("package", {})
    return [D(tier["up_to"]) for tier in tiers[:-1]] + [D(pack[key]) for key in ("size", "free") if key in pack]


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(PRICED), seeds)
def test_edges_of_tiers(make: Any, seed: int) -> None:
    """At a bound, a little below and above it, at nothing, at 10^18: the naive models agree to the last digit."""
    price = make(random_bills.seeded(seed))
    tiny = D("1e-12")
    edges = {D(0), tiny, D(10) ** 18, D(10) ** 18 + tiny}
    edges |= {bound + around for bound in bounds_of(price) for around in (-tiny, D(0), tiny)}
    for quantity in sorted(edges):
        for signed in (quantity, -quantity):
            amount = exact(bill(card_of(price), "", group({"agent_run": signed})))
            assert Fraction(amount) == prices.amount(price, Fraction(signed)), (price, signed)


@quick
@given(
    st.sampled_from([random_bills.per_unit, random_bills.graduated, random_bills.volume]), seeds, st.integers(0, 10**7)
)
def test_a_price_per_1_1k_or_1m_is_the_same_price(make: Any, seed: int, quantity: int) -> None:
    quoted = {
        per: scaled(make(random_bills.seeded(seed)), zeros) | {"per": per}
        for per, zeros in (("1", 0), ("1K", 3), ("1M", 6))
    }
    amounts = {exact(bill(card_of(price), "", group({"agent_run": quantity}))) for price in quoted.values()}
    assert len(amounts) == 1


def scaled(price: Data, zeros: int) -> Data:
    """Return the same price quoted for 10^zeros units."""
    if "price" in price:
        return price | {"price": format(D(price["price"]).scaleb(zeros), "f")}
    ((name, tiers),) = price.items()
    return {name: [tier | {"price": format(D(tier["price"]).scaleb(zeros), "f")} for tier in tiers]}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PRICED), seeds, st.lists(st.integers(-300, 9000), min_size=1, max_size=12))
def test_any_number_of_part_bills_is_one_bill(make: Any, seed: int, parts: list[int]) -> None:
    """Closed after the first part, adjusted by the ledger after each other one."""
    price = make(random_bills.seeded(seed))
    used = list(accumulate(parts))
    booked = amounts_booked(bill(card_of(price), "", group({"agent_run": so_far})) for so_far in used)
    assert Fraction(sum(booked)) == modifiers.rounded(prices.amount(price, Fraction(used[-1])), 2, "half_up")


@pytest.mark.parametrize("times", [1, 10])
def test_ten_million_events_at_a_tiny_price(times: int) -> None:
    """As one group or as ten, and as charges of a slice of them: the product, exactly."""
    groups = [group({"agent_run": 10**7 // times}, calls=10**7 // times) for _ in range(times)]
    whole = bill("- {agent_run: 0.000000065}", "", *groups)
    assert (exact(whole), whole.total) == (D("0.65"), D("0.65"))


def test_charges_of_events_at_a_tiny_price() -> None:
    segments = tariff("- {agent_run: 0.000000065}")
    calls = [Call(f"{n:05}", NOVEMBER.start_ns + n, {"agent_run": D(1)}) for n in range(10_000)]
    assert sum((one.amount or D(0) for one in Seen(segments).charges(calls)), D(0)) == D("0.00065")
