"""The tables of the pricing page: every row is rated as it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

import pytest
from tests.docs.pages import blocks, page

from rating.bills import NOVEMBER
from tollspan_rater.domain.money import exact_sum
from tollspan_rater.pricing.book import check, load
from tollspan_rater.pricing.policy import BILLABLE
from tollspan_rater.pricing.timeline import Applied, Assignment, Segment, segments
from tollspan_rater.rating.line import RatedPeriod, UsageGroup
from tollspan_rater.rating.rate import rate
from tollspan_rater.rating.sample import Sample
from tollspan_rater.rating.tariff import Tariff

PAGE = page("docs/concepts/pricing.md")
_FIRST, MATCHED, CREDITS = [block.text for block in blocks(PAGE) if block.language == "yaml"]
PLAN = "---\nplan: p\ncurrency: USD\ncards: [matched]\n"


def number(text: str) -> Decimal:
    return Decimal(text.strip().replace(",", "").strip("*") or "0")


def rows(header: str) -> Iterator[list[str]]:
    """Yield the cells of all tables with this header."""
    for table in PAGE.split(f"| {header} |")[1:]:
        for line in table.splitlines()[2:]:
            if not line.startswith("|"):
                break
            yield [cell.strip() for cell in line.strip("|").split("|")]


def held(files: str, plan: str) -> tuple[Segment, ...]:
    return segments(NOVEMBER, [Applied(load({"x.yaml": files}), 0, 1)], [Assignment(plan, 0)], 1)


def bill_of(price: str, used: str) -> RatedPeriod:
    """Rate what a row says: a quantity, one with its cost, or the amounts of single events."""
    meter = price.partition(":")[0]
    declared = "meters: [payment]\n" if meter == "payment" else ""
    files = f"card: matched\ncurrency: USD\n{declared}prices:\n  - {{{price}}}\n{PLAN}"
    offered = held(files, "p")
    quantity, _, cost = used.partition(", cost ")
    if meter in Tariff(offered).sampled:
        events = enumerate(used.split(", "))
        return rate(NOVEMBER, offered, [], [sample(at, meter, number(text)) for at, text in events])
    group = UsageGroup(
        None, None, BILLABLE, 0, 1, {meter: number(quantity)}, costs={meter: number(cost)} if cost else None
    )
    return rate(NOVEMBER, offered, [group])


def sample(at: int, meter: str, quantity: Decimal, of: str | None = None) -> Sample:
    return Sample(NOVEMBER.start_ns + at, f"c{at}", 0, None, None, (), BILLABLE, meter, quantity, of)


PRICES = [row for row in rows("price | usage | how | amount") if row]


@pytest.mark.parametrize(("price", "used", "_how", "amount"), PRICES, ids=[row[0] for row in PRICES])
def test_prices(price: str, used: str, _how: str, amount: str) -> None:
    assert bill_of(price.strip("`"), used).total == number(amount)


def test_prices_are_found() -> None:
    assert len(PRICES) == 16


MATCHES = list(rows("model | usage | price of 1M input | because"))


@pytest.mark.parametrize(("model", "said", "price", "_because"), MATCHES, ids=[" ".join(row[:2]) for row in MATCHES])
def test_matches(model: str, said: str, price: str, _because: str) -> None:
    offered = held(MATCHED + PLAN, "p")
    stated = dict(re.findall(r"(\w+)=([\w-]+)", said))
    facts = tuple((name, stated.get(name)) for name in Tariff(offered).dimensions)
    group = UsageGroup("any", model, BILLABLE, 0, 1, {"input": Decimal(1_000_000)}, facts=facts)
    assert rate(NOVEMBER, offered, [group]).total == number(price)


AGGREGATES = list(rows("aggregate | quantity | of the events ann 3, bob 7, ann 5"))


@pytest.mark.parametrize(("aggregate", "_words", "quantity"), AGGREGATES, ids=[row[0] for row in AGGREGATES])
def test_aggregates(aggregate: str, _words: str, quantity: str) -> None:
    of = ", of: user" if "unique" in aggregate else ""
    meters = f"meters: {{seen: {{aggregate: {aggregate.strip('`')}{of}}}}}"
    offered = held(f"card: matched\ncurrency: USD\n{meters}\nprices: [{{seen: 1}}]\n{PLAN}", "p")
    events = [sample(at, "seen", Decimal(n), user) for at, (user, n) in enumerate([("ann", 3), ("bob", 7), ("ann", 5)])]
    if "sum" in aggregate:
        group = UsageGroup(None, None, BILLABLE, 0, 1, {"seen": exact_sum(one.quantity for one in events)})
        assert rate(NOVEMBER, offered, [group]).total == number(quantity)
    else:
        assert rate(NOVEMBER, offered, [], events).total == number(quantity)


def test_the_bill_in_credits() -> None:
    def counts(**quantities: int) -> dict[str, Decimal]:
        return {meter: Decimal(quantity) for meter, quantity in quantities.items()}

    groups = [
        UsageGroup("openai", "gpt-4.1", BILLABLE, 0, 1, counts(input=8_000_000, output=800_000, web_search=50)),
        UsageGroup("openai", "gpt-4.1-mini", BILLABLE, 0, 1, counts(input=2_000_000, output=300_000)),
    ]
    seats = [sample(at, "seats", Decimal(n)) for at, n in enumerate([4, 7, 6])]
    bill = rate(NOVEMBER, held(CREDITS, "prepaid"), groups, seats)
    table = list(rows("line | quantity | included | charged | how | amount"))[-4:]
    shown = [(number(row[1]), number(row[2]), number(row[3]), number(row[5])) for row in table[:-1]]
    assert shown == [(line.quantity, line.included, line.billable, line.amount) for line in bill.lines]
    assert number(table[-1][5]) == bill.total
    credits_of = [step.quantity for step in bill.lines[1].steps if " x " in step.text]
    assert sorted(map(int, credits_of)) == sorted([8_000, 3_200, 500, 300, 500])


def test_the_examples_have_no_findings() -> None:
    assert check({"credits.yaml": CREDITS, "matched.yaml": MATCHED + PLAN}) == ()
