"""Aggregates: what the events of a period come to, against plain loops, in any order, and call by call."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rating.bills import NOVEMBER, group
from rating.events import charged, event, offer, rated, values
from tollspan_rater.domain.money import exact_sum
from tollspan_rater.pricing.policy import Policy
from tollspan_rater.rating.aggregate import AGGREGATES
from tollspan_rater.rating.decision import CallFacts, decide
from tollspan_rater.rating.marginal import Marginal
from tollspan_rater.rating.sample import Sample

D = Decimal
METERS = {
    "count": "{seen: {aggregate: count}}",
    "unique": "{seen: {aggregate: unique, of: user}}",
    "max": "{seen: {aggregate: max}}",
    "latest": "{seen: {aggregate: latest}}",
}
NAIVE = {
    "count": lambda events: sum(1 if one.quantity >= 0 else -1 for one in events),
    "unique": lambda events: sum(
        sum(1 if one.quantity >= 0 else -1 for one in events if one.of == user) > 0
        for user in {one.of for one in events} - {None}
    ),
    "max": lambda events: max((one.quantity for one in events), default=0),
    "latest": lambda events: max(events, key=lambda one: (one.at_ns, one.key)).quantity if events else 0,
}


@pytest.mark.parametrize(
    ("aggregate", "quantities", "quantity", "charges"),
    [
        ("count", [3, 0, 5], 3, [2, 2, 2]),
        ("count", [3, -3], 0, [2, -2]),
        ("max", [3, 7, 5], 7, [6, 8, 0]),
        ("max", [-3, -7], -3, [-6, 0]),
        ("latest", [3, 7, 5], 5, [6, 8, -4]),
    ],
)
def test_by_hand(aggregate: str, quantities: list[int], quantity: int, charges: list[int]) -> None:
    """At 2 a unit; a call's charge is the difference that it makes."""
    held = offer("  - {seen: 2}", METERS[aggregate])
    lines = rated(held, samples=values("seen", *quantities)).lines
    assert [(line.quantity, line.amount) for line in lines] == ([(quantity, 2 * quantity)] if quantity else [])
    assert charged(held, values("seen", *quantities)) == charges


def test_unique_counts_values() -> None:
    held = offer("  - {seen: 10}", METERS["unique"])
    events = [
        event(at, "seen", n, user) for at, (n, user) in enumerate([(1, "ann"), (0, "bob"), (5, "ann"), (-1, "bob")])
    ]
    bill = rated(held, samples=events)
    assert [(line.quantity, line.amount, line.calls) for line in bill.lines] == [(1, 10, 4)]
    assert [step.text for step in bill.lines[0].steps] == ["the number of different values", "each unit"]
    assert charged(held, events) == [10, 10, 0, -10]


def test_a_value_that_nobody_stated_is_listed_and_never_counted() -> None:
    held = offer("  - {seen: 10}", METERS["unique"])
    events = [event(1, "seen", 1, "ann"), event(2, "seen", 1), event(3, "seen", 1)]
    bill = rated(held, samples=events)
    assert bill.total == 10
    assert [(share.reason, share.meter, share.quantity, share.calls) for share in bill.unpriced] == [
        ("value unknown", "seen", 2, 2)
    ]
    assert charged(held, events) == [10, None, None]


def test_requests_can_be_counted_by_user() -> None:
    """Monthly active users: each call is an event of the meter `request`."""
    held = offer("  - {request: 3}\n  - {tokens: 0}", "{request: {aggregate: unique, of: user}}")
    marginal = Marginal(held)
    calls = {"request": D(1), "input": D(50)}
    amounts = [
        marginal.charge(NOVEMBER.start_ns + at, None, None, calls, event(0, "", 0).decision, of={"user": user}).amount
        for at, user in enumerate(["ann", "bob", "ann"])
    ]
    assert amounts == [3, 3, 0]
    bill = rated(held, [group({"input": 150})], [event(at, "request", 1, user) for at, user in enumerate("aba")])
    assert bill.total == 6


def test_what_is_not_on_the_invoice_is_not_aggregated_but_may_count() -> None:
    held = offer("  - {seen: 2}", METERS["max"], "included: {seen: 3}")
    trial = decide(CallFacts(phase="trial"), Policy())
    bill = rated(held, samples=[event(1, "seen", 5), event(2, "seen", 9, decision=trial)])
    assert [(line.quantity, line.included, line.amount) for line in bill.lines] == [(5, 3, 4)]
    assert [(use.limit, use.used) for use in bill.allowances] == [(3, 9)]
    assert [(share.reason, share.quantity) for share in bill.not_on_invoice] == [("trial", 9)]


@st.composite
def events(draw: st.DrawFn) -> list[Sample]:
    drawn = draw(st.lists(st.tuples(st.integers(0, 5), st.integers(-3, 9), st.sampled_from([None, "a", "b", "c"]))))
    return [event(at, "seen", quantity, of, key=f"k{n}") for n, (at, quantity, of) in enumerate(drawn)]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(METERS)), events(), st.randoms(use_true_random=False), st.integers(0, 4))
def test_any_order_gives_what_a_plain_loop_gives(
    aggregate: str, drawn: list[Sample], shuffle: object, free: int
) -> None:
    """And the charges of the calls add up to the line, with an allowance, too."""
    held = offer(
        "  - {seen: {graduated: [{up_to: 2, price: 5}, {price: 3}]}}", METERS[aggregate], f"included: {{seen: {free}}}"
    )
    mixed = list(drawn)
    shuffle.shuffle(mixed)  # type: ignore[attr-defined]
    lines = rated(held, samples=mixed).lines
    known = [one for one in drawn if aggregate != "unique" or one.of is not None]
    assert exact_sum(line.quantity for line in lines) == NAIVE[aggregate](known)
    assert lines == rated(held, samples=drawn).lines
    assert exact_sum(amount or D(0) for amount in charged(held, drawn)) == exact_sum(
        line.amount_exact for line in lines
    )


def test_sums_are_what_all_others_are_not() -> None:
    total = AGGREGATES["sum"]()
    for quantity in ("0.1", "0.2", "-0.3"):
        total.take(D(quantity), (0, ""), None)
    assert total.quantity == 0
