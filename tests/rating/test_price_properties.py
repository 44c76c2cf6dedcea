"""What holds of prices, allowances and periods: overrides, free units, falls that are warned of, midnights."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rating import random_bills
from tests.rating.bills import NOVEMBER, bill, exact, group
from tests.reference import prices
from tollspan_rater.domain.clock import to_ns
from tollspan_rater.pricing.applied import Applied
from tollspan_rater.pricing.assignment import Assignment
from tollspan_rater.pricing.book import check, load
from tollspan_rater.pricing.cycle import INTERVALS, Cycle
from tollspan_rater.pricing.period import period, period_at
from tollspan_rater.pricing.segment import Segment
from tollspan_rater.pricing.timeline import segments
from tollspan_rater.rating.line import Line
from tollspan_rater.rating.rate import rate

D = Decimal
Data = dict[str, Any]
seeds = st.integers(0, 10**9)
days = st.dates(date(1975, 1, 1), date(2190, 1, 1))
ZONES = sorted(available_timezones())
STEPPED = (random_bills.volume, random_bills.stairstep)
RISING = (random_bills.per_unit, random_bills.graduated, random_bills.package, random_bills.flat)
PRICED = (*STEPPED, *RISING)
MOST = 20_000


def priced(price: Data) -> str:
    return f"- {json.dumps({'agent_run': price})}"


def amount(price: Data, quantity: int | Decimal, plan: str = "") -> Decimal:
    return exact(bill(priced(price), plan, group({"agent_run": quantity})))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(PRICED), st.sampled_from(PRICED), seeds, st.integers(-500, MOST))
def test_a_customers_own_price_is_a_card_with_that_price(listed: Any, own: Any, seed: int, used: int) -> None:
    random = random_bills.seeded(seed)
    general, special = listed(random), own(random)
    files = {
        "card.yaml": f"card: list\ncurrency: USD\nprices:\n{priced(general)}",
        "plan.yaml": "plan: paid\ncurrency: USD\ncards: [list]\nbase_fee: 10",
        "terms.yaml": f"terms: acme\nprices:\n{priced(special)}",
    }
    laid = segments(NOVEMBER, [Applied(load(files), 0, 1)], [Assignment("paid", 0)], 1, customer="acme")
    with_terms = rate(NOVEMBER, laid, [group({"agent_run": used})])
    with_card = bill(priced(special), "base_fee: 10", group({"agent_run": used}))
    assert [told(line) for line in with_terms.lines] == [told(line) for line in with_card.lines]
    assert with_terms.totals == with_card.totals


def told(line: Line) -> tuple[object, ...]:
    return (line.kind, line.description, line.quantity, line.steps, line.amount_exact, line.amount)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PRICED), seeds, st.integers(0, 5000), st.integers(0, 9000))
def test_an_allowance_is_usage_less_the_allowance(make: Any, seed: int, free: int, used: int) -> None:
    price = make(random_bills.seeded(seed))
    rated = bill(priced(price), f"included: {{agent_run: {free}}}", group({"agent_run": used}))
    assert exact(rated) == amount(price, max(used - free, 0))
    assert sum(line.included for line in rated.lines) == min(used, free)
    (allowance,) = rated.allowances
    assert [allowance.limit, allowance.used] == [D(free), D(used)]


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(0, 9000), st.lists(st.integers(0, 4000), min_size=2, max_size=2))
def test_an_allowance_over_several_prices_is_used_up_once(seed: int, free: int, used: list[int]) -> None:
    random = random_bills.seeded(seed)
    card = "".join(
        f"- {json.dumps({'model': model, 'input': random_bills.per_unit(random)})}\n" for model in ("a", "b")
    )
    groups = [group({"input": quantity}, model=model) for model, quantity in zip("ab", used, strict=True)]
    lines = bill(card, f"included: {{tokens: {free}}}", *groups).lines
    assert sum(line.included for line in lines) == min(free, sum(used))


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(PRICED), seeds, st.data())
def test_using_more_costs_less_only_where_check_warns(make: Any, seed: int, data: st.DataObject) -> None:
    """Every fall is at a bound of a volume or stairstep price that ``pricing check`` names; no other model falls."""
    price = make(random_bills.seeded(seed))
    bounds = [D(tier["up_to"]) for name in ("volume", "stairstep") for tier in price.get(name, [])[:-1]]
    falls = [bound for bound in bounds if naive(price, bound + D("1e-15")) < naive(price, bound)]
    less = data.draw(st.one_of(st.sampled_from([D(0), *bounds]), st.integers(0, MOST).map(D)))
    more = less + data.draw(st.one_of(st.just(D("1e-15")), st.integers(1, MOST).map(D)))
    if amount(price, more) < amount(price, less):
        assert any(less <= bound < more for bound in falls)
    findings = check({"card.yaml": f"card: list\ncurrency: USD\nprices:\n{priced(price)}"})
    warned = [finding.problem for finding in findings if finding.severity == "warning"]
    assert len(warned) == len(falls), (falls, warned)
    assert all(f"{bound:f}" in " ".join(warned).replace(",", "") for bound in falls)


def naive(price: Data, quantity: Decimal) -> Fraction:
    return prices.amount(price, Fraction(quantity))


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.sampled_from(INTERVALS),
    days,
    days | st.none(),
)
def test_periods_cover_time_without_gap_or_overlap(zone: str, every: str, day: date, anchor: date | None) -> None:
    """In any zone of the database, at any change of its clocks, each instant lies in exactly one period."""
    cycle = Cycle(every, anchor)
    at = period_at(cycle, to_ns(datetime(day.year, day.month, day.day, 12, tzinfo=UTC)), zone)
    chain = [at]
    for _ in range(4):
        chain.append(period_at(cycle, chain[-1].end_ns, zone))
    for one, following in pairwise(chain):
        assert one.end_ns == following.start_ns
        assert one.label < following.label or every == "week"
    for one in chain:
        assert one.start_ns < one.end_ns
        for inside in (one.start_ns, one.end_ns - 1):
            assert period_at(cycle, inside, zone) == one
        assert begins_a_day(one.start_ns, zone)
        if anchor is None:
            assert period(one.label, zone) == one


def begins_a_day(instant_ns: int, zone: str) -> bool:
    """Tell whether it is midnight at an instant, or the clocks change there, so that there is no midnight or two."""
    after = datetime.fromtimestamp(instant_ns // 10**9, UTC).astimezone(ZoneInfo(zone))
    before = (after.astimezone(UTC) - timedelta(seconds=1)).astimezone(ZoneInfo(zone))
    return after.time() == time(0) or before.utcoffset() != after.utcoffset()


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(ZONES), st.integers(2020, 2035), st.integers(1, 12))
def test_an_instant_before_midnight_belongs_to_the_month_that_ends(zone: str, year: int, month: int) -> None:
    within = period(f"{year}-{month:02}", zone)
    following = period_at(Cycle(), within.end_ns, zone)
    assert (within.end_ns - 1 in within, within.end_ns in within) == (True, False)
    assert (following.start_ns, within.end_ns - 1 in following) == (within.end_ns, False)
    laid: tuple[Segment, ...] = segments(within, [], [], 1)
    assert [(one.start_ns, one.end_ns) for one in laid] == [(within.start_ns, within.end_ns)]
