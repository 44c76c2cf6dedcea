"""What a customer holds when: periods without gap or overlap, whatever it changes to."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tollspan_rater.domain.clock import from_ns
from tollspan_rater.errors import ConfigError
from tollspan_rater.pricing.applied import Applied
from tollspan_rater.pricing.assignment import AddonAssignment, Assignment, addons_at, read_addon_assignments
from tollspan_rater.pricing.book import PriceBook, load
from tollspan_rater.pricing.cycle import INTERVALS
from tollspan_rater.pricing.period import midnight
from tollspan_rater.pricing.plan import ANCHORS
from tollspan_rater.pricing.subscription import Subscription

D = Decimal
DAY = 86_400 * 10**9
NAMES = [f"{every}-{anchor}" for every in INTERVALS for anchor in ANCHORS]


def book(more: str = "") -> PriceBook:
    plans = "".join(
        f"---\nplan: {name}\ncurrency: USD\ncards: c\nevery: {name.split('-')[0]}\nanchor: {name.split('-')[1]}\n"
        for name in NAMES
    )
    return load({"x.yaml": f"card: c\ncurrency: USD\nprices: [{{tokens: 1}}]\n{plans}{more}"})


BOOK = book()


def at(day: str, zone: str = "UTC") -> int:
    return midnight(date.fromisoformat(day), zone)


def held(*assigned: tuple[str, str], zone: str = "UTC", anchor: str | None = None) -> Subscription:
    """A subscription to plans from days on, ``''`` for since ever."""
    assignments = tuple(Assignment(plan, at(day, zone) if day else 0) for plan, day in assigned)
    day = None if anchor is None else date.fromisoformat(anchor)
    return Subscription(zone, (Applied(BOOK, 0, 1),), assignments, 9, customer="acme", anchor=day)


DAYS = st.dates(date(2024, 1, 1), date(2026, 12, 31)).map(date.isoformat)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(NAMES), DAYS | st.just("")), max_size=4),
    st.sampled_from(sorted(available_timezones())),
    st.none() | DAYS,
    st.integers(at("2023-06-01"), at("2027-06-01")),
)
def test_periods_cover_time_and_their_labels_are_unique(
    assigned: list[tuple[str, str]], zone: str, anchor: str | None, instant: int
) -> None:
    customer = held(*assigned, zone=zone, anchor=anchor)
    periods = list(customer.periods(instant, instant + 400 * DAY))
    assert instant in periods[0]
    assert [one.end_ns for one in periods[:-1]] == [one.start_ns for one in periods[1:]]
    assert len({one.label for one in periods}) == len(periods)
    for one in periods:
        assert one.start_ns < one.end_ns
        assert one.end_ns - one.start_ns <= one.whole_ns
        assert customer.period_at(one.end_ns - 1) == one == customer.named(one.label)
        segments = customer.segments(one)
        assert [one.start_ns, *(part.end_ns for part in segments)] == [
            *(part.start_ns for part in segments),
            one.end_ns,
        ]


@pytest.mark.parametrize(
    ("assigned", "labels"),
    [
        ([("month-calendar", "2026-01-10")], ["2026-01", "2026-02", "2026-03", "2026-04"]),
        ([("month-subscription", "2026-01-31")], ["2025-12-31", "2026-01-31", "2026-02-28", "2026-03-31"]),
        ([("month-subscription", "")], ["2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"]),
        # a plan that is billed alike goes on with the periods of the one before
        (
            [("month-subscription", "2026-01-15"), ("month-subscription", "2026-02-20")],
            ["2025-12-15", "2026-01-15", "2026-02-15", "2026-03-15"],
        ),
        # from months to quarters in the middle of a month, and back to months in the middle of a quarter
        (
            [("month-calendar", "2026-01-01"), ("quarter-calendar", "2026-02-10"), ("month-calendar", "2026-04-20")],
            ["2026-01", "2026-02", "2026-02-10", "2026-Q2", "2026-04-20", "2026-05"],
        ),
        (
            [("month-calendar", ""), ("year-subscription", "2026-02-10")],
            ["2026-01", "2026-02", "2026-02-10", "2027-02-10"],
        ),
    ],
)
def test_labels(assigned: list[tuple[str, str]], labels: list[str]) -> None:
    customer = held(*assigned)
    found = customer.period_at(at("2026-01-05"))
    seen = [found.label]
    while len(seen) < len(labels):
        found = customer.period_at(found.end_ns)
        seen.append(found.label)
    assert seen == labels


def test_a_period_cut_short_knows_the_whole() -> None:
    customer = held(("month-calendar", ""), ("year-calendar", "2026-02-15"))
    cut, rest = customer.named("2026-02"), customer.named("2026-02-15")
    assert [(one.end_ns - one.start_ns) // DAY for one in (cut, rest)] == [14, 320]
    assert [one.whole_ns // DAY for one in (cut, rest)] == [28, 365]


def test_names_of_time_that_are_no_period_of_the_customer() -> None:
    weekly = held(("week-calendar", ""))
    assert [one.label for one in weekly.within("2026-02")] == ["2026-W06", "2026-W07", "2026-W08", "2026-W09"]
    assert held(("month-subscription", "2026-01-15")).named("2026-03").label == "2026-03-15"
    with pytest.raises(ConfigError, match="its periods are 2026-W06, 2026-W07, 2026-W08, 2026-W09"):
        weekly.named("2026-02")
    with pytest.raises(ConfigError, match=r"2026-W02, .*2026-W07, \.\.\."):
        weekly.named("2026")
    with pytest.raises(ConfigError, match=r"its periods are 2026$"):
        held(("year-calendar", "")).named("2026-02")


def test_terms_and_their_trial_hold_from_their_day_on() -> None:
    own = "---\nterms: acme\nfrom: 2026-02-10\ntrial: 20\nbase_fee: 1\n---\nterms: acme\nbase_fee: 2\n"
    customer = Subscription(
        "UTC", (Applied(book(own), 0, 1),), (Assignment("month-calendar", at("2026-02-01")),), 9, customer="acme"
    )
    parts = customer.segments(customer.named("2026-02"))
    fees = [part.plan.base_fee.amount if part.plan and part.plan.base_fee else None for part in parts]
    assert [(from_ns(part.start_ns).day, part.phase) for part in parts] == [(1, None), (10, "trial"), (21, None)]
    assert fees == [2, 1, 1]


def test_discounts_end_with_their_periods() -> None:
    plan = "---\nplan: p\ncurrency: USD\ncards: c\ndiscounts: [{percent: 10, periods: 2}, {percent: 5}]\n"
    applied = (Applied(book(plan), 0, 1),)
    customer = Subscription("UTC", applied, (Assignment("p", at("2026-01-20")),), 9)
    since_ever = Subscription("UTC", applied, (Assignment("p", 0),), 9)

    def percents(of: Subscription, label: str) -> list[Decimal]:
        plan = of.segments(of.named(label))[-1].plan
        return [] if plan is None else [one.value for one in plan.discounts]

    assert [percents(customer, f"2026-0{month}") for month in (1, 2, 3)] == [[10, 5], [10, 5], [5]]
    assert percents(since_ever, "2026-01") == [5]


def test_addons_step_by_step() -> None:
    entries = [
        {"addon": "seats", "quantity": "2"},
        {"addon": "seats", "quantity": "5", "from": "2026-02-10", "to": "2026-02-20"},
        {"addon": "disk", "quantity": "0.5", "from": "2026-02-15T12:00:00Z"},
        {"addon": "disk", "quantity": "0", "from": "2026-03-01"},
    ]
    read = read_addon_assignments(entries, "UTC")
    assert read[0] == AddonAssignment("seats", D(2), 0)
    expected: dict[str, dict[str, Decimal | int]] = {
        "2026-02-09": {"seats": 2},
        "2026-02-10": {"seats": 5},
        "2026-02-16": {"seats": 5, "disk": D("0.5")},
        "2026-02-20": {"disk": D("0.5")},  # the entry that holds has ended; the one before it does not come back
        "2026-03-01": {},
    }
    assert {day: addons_at(read, at(day)) for day in expected} == expected
