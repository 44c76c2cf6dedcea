"""Properties of plans: bounds hold, terms are a card in front, turns add up, order does not matter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from rating.bills import NOVEMBER, bill, exact, group
from tollspan_rater.domain.clock import to_ns
from tollspan_rater.pricing.applied import Applied
from tollspan_rater.pricing.assignment import AddonAssignment, Assignment
from tollspan_rater.pricing.book import load
from tollspan_rater.pricing.rounding_rule import MODES, POINTS
from tollspan_rater.pricing.timeline import segments
from tollspan_rater.rating.line import RatedPeriod, UsageGroup
from tollspan_rater.rating.rate import rate

D = Decimal
CARD = "  - {input: 0.013, output: {graduated: [{up_to: 40, price: 0.3, flat: 0.05}, {price: 0.0999}]}, request: 1.005}"
HALF_UNIT = D("0.5")

amounts = st.integers(0, 40_000).map(lambda cents: D(cents).scaleb(-2))
usage = st.lists(
    st.builds(
        group,
        st.fixed_dictionaries(
            {"input": st.integers(0, 3000), "output": st.integers(0, 90), "request": st.integers(0, 9)}
        ),
    ),
    max_size=4,
)


@st.composite
def plans(draw: st.DrawFn) -> tuple[str, Decimal, Decimal, str]:
    """A plan with any modifiers, its minimum, its maximum, and where it rounds."""
    least, most = sorted((draw(amounts), draw(amounts)))
    at, mode = draw(st.sampled_from(POINTS)), draw(st.sampled_from(sorted(MODES)))
    lines = [f"minimum: {least}", f"maximum: {most}", f"rounding: {{at: {at}, mode: {mode}}}"]
    if draw(st.booleans()):
        lines.append(f"base_fee: {draw(amounts)}")
    if draw(st.booleans()):
        factor = draw(st.sampled_from(["1", "1.25", "0.5"]))
        lines.append(f"commitment: {{amount: {draw(amounts)}, overage_factor: {factor}}}")
    percent, off = draw(st.integers(0, 100)), draw(amounts)
    lines.append(f"discounts: [{{percent: {percent}, on: input}}, {{amount: {off}}}, {{percent: {100 - percent}}}]")
    return "\n".join(lines), least, most, at


@settings(max_examples=150, deadline=None)
@given(plans(), usage)
def test_a_total_is_between_minimum_and_maximum(
    plan: tuple[str, Decimal, Decimal, str], used: list[UsageGroup]
) -> None:
    text, least, most, at = plan
    rated = bill(CARD, text, *used)
    assert least <= exact(rated) <= most
    assert least <= rated.total <= most
    if at == "invoice":
        assert abs(rated.total - exact(rated)) < D("0.01")
    for line in rated.lines:
        assert sum((step.amount for step in line.steps), D(0)) == line.amount_exact


@settings(max_examples=60, deadline=None)
@given(plans(), usage, st.randoms(use_true_random=False))
def test_the_order_and_the_cut_of_usage_do_not_matter(
    plan: tuple[str, Decimal, Decimal, str], used: list[UsageGroup], random: st.random.Random
) -> None:
    shuffled = [*used]
    random.shuffle(shuffled)
    split = [half for one in shuffled for half in halves(one)]
    assert money(bill(CARD, plan[0], *used)) == money(bill(CARD, plan[0], *split))


def halves(one: UsageGroup) -> tuple[UsageGroup, UsageGroup]:
    part = {meter: int(quantity) // 3 for meter, quantity in one.quantities.items()}
    return group(part), group({meter: int(quantity) - part[meter] for meter, quantity in one.quantities.items()})


def money(rated: RatedPeriod) -> list[tuple[str, Decimal, Decimal]]:
    return [(line.component, line.amount_exact, line.amount) for line in rated.lines]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["input", "output", "tokens", "request"]), usage)
def test_an_override_is_a_card_with_that_price_in_front(units: int, meter: str, used: Sequence[UsageGroup]) -> None:
    prices = f"  - {{{meter}: {D(units).scaleb(-6):f}}}\n"
    listed = f"card: list\ncurrency: USD\nprices:\n{CARD}\n---\n"
    plan = "plan: p\ncurrency: USD\nbase_fee: 5\ndiscounts: [{percent: 10}]\nminimum: 20\n"
    terms = load({"a.yaml": f"{listed}{plan}cards: [list]\n---\nterms: acme\nprices:\n{prices}"})
    card = load({"a.yaml": f"{listed}card: own\ncurrency: USD\nprices:\n{prices}---\n{plan}cards: [own, list]\n"})
    bills = [
        rate(NOVEMBER, segments(NOVEMBER, [Applied(book, 0, 1)], [Assignment("p", 0)], 1, customer="acme"), used)
        for book in (terms, card)
    ]
    one, other = ([(line.kind, line.meter, line.amount_exact) for line in rated.lines] for rated in bills)
    assert one == other


TURNS = load(
    {
        "a.yaml": "card: c\ncurrency: USD\nprices: [{input: 1}]\n"
        + "".join(f"---\nplan: {name}\ncurrency: USD\ncards: c\nbase_fee: 99.99\nminimum: 50\n" for name in "ab")
        + "---\naddon: seat\ncurrency: USD\nfee: 7.77\n"
    }
)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 29), st.integers(0, 23)), unique=True, max_size=6))
def test_plans_held_by_turns_add_up(changes: list[tuple[int, int]]) -> None:
    """However often a customer goes back and forth, fees of both plans are one fee, but for half a cent each."""
    cuts = sorted(to_ns(datetime(2026, 11, day + 1, hour, tzinfo=UTC)) for day, hour in changes)
    turns = [Assignment("a", 0), *(Assignment("ba"[place % 2], at) for place, at in enumerate(cuts))]
    seats = (AddonAssignment("seat", D(1), 0),)
    rated = rate(NOVEMBER, segments(NOVEMBER, [Applied(TURNS, 0, 1)], turns, 1, addons=seats), [])
    for kind, whole in (("base_fee", D("99.99")), ("addon", D("7.77"))):
        parts = [line.amount_exact for line in rated.lines if line.kind == kind]
        assert abs(sum(parts, D(0)) - whole) <= D("0.005") * len(parts)
    assert len({line.component for line in rated.lines}) == len(rated.lines)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 20_000), min_size=2, max_size=5), plans())
def test_using_more_never_costs_less(inputs: list[int], plan: tuple[str, Decimal, Decimal, str]) -> None:
    """Every price of the card rises, so every bill of a plan does, whatever its modifiers."""
    totals = [exact(bill(CARD, plan[0], group({"input": count}))) for count in sorted(inputs)]
    assert all(one <= other for one, other in pairwise(totals))
