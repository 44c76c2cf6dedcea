import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tollspan_rater.demo import cast
from tollspan_rater.demo.trace import TraceRow
from tollspan_rater.demo.traffic import PlannedCall, generated, plan, traced

HOUR = 1_795_251_600_000_000_000


def planned(calls: int, seed: int, *, failures: bool = True, customers: int = 20) -> list[PlannedCall]:
    rng = random.Random(seed)
    people = cast.customers(customers, rng)
    return plan(generated(calls, HOUR, rng), people, rng, failures=failures)


def test_a_seed_plans_the_same_calls_with_the_same_totals() -> None:
    calls = planned(2_000, seed=1)
    assert calls == planned(2_000, seed=1)
    assert calls != planned(2_000, seed=2)
    totals = (len(calls), sum(c.input or 0 for c in calls), sum(c.output or 0 for c in calls))
    assert totals == (2_049, 2_924_821, 323_737)


def test_every_part_of_the_product_appears() -> None:
    calls = planned(5_000, seed=1)
    assert {call.outcome for call in calls} == {"complete", "failed", "aborted"}
    assert {call.environment for call in calls} == {None, "staging", "test", "qa"}
    assert {call.model for call in calls} == {model.name for model in cast.MODELS}
    assert {call.feature for call in calls} == {name for names in cast.FEATURES.values() for name, _ in names}
    assert any(call.cache_read for call in calls)
    assert any(call.cache_write_1h for call in calls)
    assert any(call.reasoning for call in calls)
    assert all(call.start_ns >= HOUR for call in calls)


def test_the_busiest_customer_makes_far_more_calls_than_the_median() -> None:
    counts = sorted(Counter(call.customer for call in planned(5_000, seed=1)).values())
    assert counts[-1] > 5 * counts[len(counts) // 2]


@given(st.integers(0, 1_000), st.integers(1, 60))
@settings(max_examples=25, deadline=None)
def test_a_plan_keeps_its_promises(seed: int, customers: int) -> None:
    calls = planned(120, seed, customers=customers)
    by_number = {call.number: call for call in calls}
    assert len(by_number) == len(calls)
    for call in calls:
        assert call.end_ns >= call.start_ns
        assert call.cache_write_1h <= call.cache_write
        assert call.cache_read + call.cache_write <= (call.input or 0)
        assert call.reasoning <= (call.output or 0)
        if call.retry_of is not None:
            first = by_number[call.retry_of]
            assert (first.last, call.attempt, first.customer) == (False, 2, call.customer)
            assert first.end_ns < call.start_ns
    assert sum(not call.last for call in calls) == sum(call.retry_of is not None for call in calls)


def test_a_trace_keeps_its_calls_times_and_tokens() -> None:
    rows = [TraceRow(HOUR + 2, 4808, 10), TraceRow(HOUR + 1, 110, 270)]
    calls = plan(traced(rows), cast.customers(3, random.Random(1)), random.Random(1), failures=False)
    assert [(call.start_ns, call.input, call.output) for call in calls] == [(HOUR + 1, 110, 270), (HOUR + 2, 4808, 10)]
    assert [call.feature in dict(cast.FEATURES["code"]) for call in calls] == [False, True]


@pytest.mark.parametrize("count", [1, 200, 201, 450])
def test_customers_are_told_apart(count: int) -> None:
    names = [customer.name for customer in cast.customers(count, random.Random(1))]
    assert len(set(names)) == count
