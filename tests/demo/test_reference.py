import ast
from collections import Counter, defaultdict
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.demo.plans import HOUR, people, planned
from tollspan_rater.demo import prices, reference
from tollspan_rater.demo.reference import Bill, bills
from tollspan_rater.demo.traffic import PlannedCall
from tollspan_rater.domain.usage import Usage
from tollspan_rater.pricing.book import load
from tollspan_rater.pricing.period import period
from tollspan_rater.pricing.timeline import Applied, Assignment, segments
from tollspan_rater.rating.decision import CallFacts, decide
from tollspan_rater.rating.line import UsageGroup
from tollspan_rater.rating.quantity import of_usage
from tollspan_rater.rating.rate import rate

FILES = prices.texts()
DOCUMENTS = prices.documents(FILES)
BOOK = load(FILES)
MONTH = period("2026-11", "UTC")
PLANS = sorted(BOOK.plans)


def call(**said: object) -> PlannedCall:
    return planned(50)[0]._replace(
        **{
            "customer": "acme", "start_ns": HOUR, "environment": None, "outcome": "complete", "last": True,
            "provider": "openai", "model": "gpt-4.1", "input": 0, "cache_read": 0, "cache_write": 0,
            "cache_write_1h": 0, "output": 0,
        } | said
    )  # fmt: skip


def rated(calls: list[PlannedCall], plan: str) -> Bill:
    """The bill by the product's own rating."""
    held = BOOK.plans[plan]
    parts = segments(MONTH, (Applied(BOOK, 0, 1),), (Assignment(plan, 0),), 1)
    groups = []
    for one in calls:
        usage = Usage(
            input=one.input, cache_read=one.cache_read, cache_write=one.cache_write,
            cache_write_5m=one.cache_write - one.cache_write_1h, cache_write_1h=one.cache_write_1h, output=one.output,
        )  # fmt: skip
        facts = CallFacts(one.environment, None, one.outcome, None, one.attempt, retried=not one.last)
        decision = decide(facts, held.policy)
        groups.append(UsageGroup(one.provider, one.model, decision, 0, 1, of_usage(usage)))
    bill = rate(MONTH, parts, groups)
    exact = sum((Fraction(money.amount) for money in bill.exact_totals), Fraction(0))
    return Bill(exact, Fraction(bill.total))


def test_it_imports_nothing_of_ours() -> None:
    tree = ast.parse(Path(reference.__file__).read_text(encoding="utf-8"))
    modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert not [name for name in modules if "tollspan" in name]
    assert len(Path(reference.__file__).read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize(
    ("situation", "plan", "calls", "amount"),
    [
        ("a base fee alone", "starter", [], "1.00"),
        ("a free plan costs nothing", "free", [call(input=9_000_000)], "0"),
        ("inside the allowance", "starter", [call(input=60_000, output=40_000)], "1.00"),
        ("input beyond the allowance", "starter", [call(input=200_000)], "1.40"),
        ("the allowance goes to input first", "starter", [call(input=100_000, output=1_000)], "1.016"),
        ("cached input", "enterprise", [call(input=1_000_000, cache_read=400_000)], "27.80"),
        ("a longer model name wins", "enterprise", [call(input=1_000_000, model="gpt-4.1-mini")], "25.80"),
        (
            "cache writes for an hour",
            "enterprise",
            [call(provider="anthropic", model="claude-haiku-5-5", input=30, cache_write=30, cache_write_1h=10)],
            "25.000009",
        ),
        ("two graduated tiers", "pro", [call(input=2_000_000)], "23.00"),
        ("all graduated tiers", "pro", [call(input=5_000_000)], "45.50"),
        ("a test environment", "pro", [call(input=5_000_000, environment="test")], "9.00"),
        ("a failed attempt", "enterprise", [call(input=5_000, outcome="aborted")], "25.00"),
        ("an attempt that was made again", "enterprise", [call(input=5_000, last=False)], "25.00"),
        ("a model without a price", "enterprise", [call(input=5_000, model="unheard-of")], "25.00"),
    ],
)
def test_bills_by_hand(situation: str, plan: str, calls: list[PlannedCall], amount: str) -> None:
    other = call(customer="someone else")
    made = bills([*calls, other], {"acme": plan, "someone else": "free"}, DOCUMENTS)
    assert made["acme", "2026-11"].exact == Fraction(amount), situation
    assert rated(calls, plan).exact == Fraction(amount), situation


def test_months_are_billed_apart() -> None:
    december = call(start_ns=HOUR + 30 * 86_400_000_000_000)
    made = bills([call(), december], {"acme": "starter"}, DOCUMENTS)
    assert {key: bill.rounded for key, bill in made.items()} == {
        ("acme", "2026-11"): Fraction(1),
        ("acme", "2026-12"): Fraction(1),
    }


MODELS = st.sampled_from([
    *(("openai", name) for name in ("gpt-4.1", "gpt-4.1-mini", "gpt-4o-mini", "o4-mini", "unheard-of")),
    *(("anthropic", name) for name in ("claude-sonnet-5-5", "claude-haiku-5-5")),
])  # fmt: skip


@st.composite
def calls_of_one_customer(draw: st.DrawFn) -> list[PlannedCall]:
    made = []
    for _ in range(draw(st.integers(0, 6))):
        provider, model = draw(MODELS)
        tokens = draw(st.integers(0, 3_000_000))
        read = draw(st.integers(0, tokens))
        written = draw(st.integers(0, tokens - read))
        made.append(
            call(
                provider=provider,
                model=model,
                input=tokens,
                cache_read=read,
                cache_write=written,
                cache_write_1h=draw(st.integers(0, written)),
                output=draw(st.one_of(st.none(), st.integers(0, 3_000_000))),
                environment=draw(st.sampled_from([None, None, "test", "staging", "production"])),
                outcome=draw(st.sampled_from(["complete", "complete", "aborted"])),
            )
        )
    return made


@given(calls_of_one_customer(), st.sampled_from(PLANS))
@settings(max_examples=150, deadline=None)
def test_two_independent_programs_come_to_the_same_bill(calls: list[PlannedCall], plan: str) -> None:
    made = bills([*calls, call(environment="test")], {"acme": plan}, DOCUMENTS)
    assert made["acme", "2026-11"] == rated(calls, plan)


def test_the_bills_of_a_demo_are_those_of_the_rating() -> None:
    plan_of = {customer.name: customer.plan for customer in people()}
    mine = defaultdict(list)
    for one in planned(2_000):
        mine[one.customer].append(one)
    made = bills(planned(2_000), plan_of, DOCUMENTS)
    assert made == {(name, "2026-11"): rated(mine[name], plan) for name, plan in plan_of.items()}
    assert Counter(plan_of.values()).keys() == set(PLANS)
    assert sum(Decimal(int(bill.rounded * 100)) for bill in made.values()) > 0
