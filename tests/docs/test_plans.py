"""The examples on the page of plans come to their tables."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from tests.docs.pages import page

from tollspan_rater.credit.rollover import rolled, units_of
from tollspan_rater.domain.clock import to_ns
from tollspan_rater.pricing.applied import Applied
from tollspan_rater.pricing.assignment import AddonAssignment, Assignment
from tollspan_rater.pricing.book import check, load
from tollspan_rater.pricing.cycle import Cycle
from tollspan_rater.pricing.period import period, period_at
from tollspan_rater.pricing.policy import BILLABLE
from tollspan_rater.pricing.segment import Segment
from tollspan_rater.pricing.subscription import Subscription
from tollspan_rater.rating.line import UsageGroup
from tollspan_rater.rating.rate import rate

PAGE = page("docs/concepts/plans.md")
CARD = "card: list\ncurrency: USD\nprices: [{input: 0.01, output: 0.02}]\n---\n"
EXAMPLE = re.compile(r"```yaml\n(?P<plan>[^`]+)```\n\n\| held \|[^\n]*\n[^\n]*\n(?P<rows>(?:\|[^\n]*\n)+)")
NOVEMBER = period("2026-11", "UTC")


def cells(rows: str) -> list[list[str]]:
    return [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in rows.strip().splitlines()]


EXAMPLES = [(found["plan"], *row) for found in EXAMPLE.finditer(PAGE) for row in cells(found["rows"])]


def day(text: str) -> int:
    return to_ns(datetime.fromisoformat(text).replace(tzinfo=UTC))


def held(words: str) -> list[Assignment]:
    """What the page says of how long the plan was held."""
    if number := re.search(r"from the (\d+)th", words):
        return [Assignment("p", day(f"2026-11-{int(number[1]):02}"))]
    if number := re.search(r"until the (\d+)th", words):
        return [Assignment("p", 0), Assignment(None, day(f"2026-11-{int(number[1]):02}"))]
    first = {"since ever": 0, "all month": day("2026-11-01"), "four months": day("2026-08-01")}
    return [Assignment("p", first.get(words, day("2026-10-01")))]


def parts(plan: str, words: str) -> tuple[Segment, ...]:
    book = load({"plan.yaml": f"{CARD}plan: p\ncurrency: USD\ncards: [list]\n{plan}"})
    customer = Subscription("UTC", (Applied(book, 0, 1),), tuple(held(words)), 1)
    found = customer.segments(NOVEMBER)
    used = re.search(r"of which ([\d,]+) were used", words)
    (own, *_) = [one for part in found if part.plan for one in part.plan.included] or [None]
    if used is None or own is None or own.rollover is None:
        return found
    left = rolled((), own.quantity, Decimal(used[1].replace(",", "")), own.rollover)
    return customer.segments(NOVEMBER, {("p", own.meter): units_of(left)})


@pytest.mark.parametrize(("plan", "words", "used", "bill", "total"), EXAMPLES)
def test_examples(plan: str, words: str, used: str, bill: str, total: str) -> None:
    segments = parts(plan, words)
    counts = {meter: Decimal(number.replace(",", "")) for meter, number in re.findall(r"(\w+put) ([\d,.]+\d)", used)}
    last = max(number for number, part in enumerate(segments) if part.plan is not None)
    rated = rate(NOVEMBER, segments, [UsageGroup(None, None, BILLABLE, last, 1, counts)])
    lines = [f"{line.meter if line.kind == 'usage' else line.kind} {line.amount:f}" for line in rated.lines]
    assert ", ".join(lines) == bill
    assert f"{rated.total:f}" == total


def test_every_feature_has_an_example() -> None:
    assert len(EXAMPLES) >= 18
    shown = " ".join(plan for plan, *_ in EXAMPLES)
    wanted = ("base_fee", "rollover", "trial", "percent", "amount", "commitment", "minimum", "maximum", "rounding")
    assert [word for word in wanted if word not in shown] == []


PERIODS = cells(PAGE.partition("| every | anchor |")[2].partition("|---|\n")[2].partition("\n\n")[0])


@pytest.mark.parametrize(("every", "anchor", "moment", "label", "begins", "ends"), PERIODS)
def test_periods(every: str, anchor: str, moment: str, label: str, begins: str, ends: str) -> None:
    cycle = Cycle(every, None if anchor == "calendar" else date.fromisoformat(anchor))
    found = period_at(cycle, day(moment), "UTC")
    assert (found.label, found.start_ns, found.end_ns) == (label, day(begins), day(ends))


def test_addons_and_terms_are_sound_and_cost_what_the_page_says() -> None:
    addon, terms = (re.search(rf"```yaml\n({key}: [^`]+)```", PAGE) for key in ("addon", "terms"))
    assert addon is not None
    assert terms is not None
    files = {"a.yaml": addon[1], "t.yaml": terms[1], "p.yaml": f"{CARD}plan: p\ncurrency: USD\ncards: list\n"}
    assert check(files) == ()
    seats = (AddonAssignment("seats", Decimal(2), 0), AddonAssignment("seats", Decimal(3), day("2026-11-16")))
    customer = Subscription(
        "UTC", (Applied(load(files), 0, 1),), (Assignment("p", 0),), 1, customer="acme", addons=seats
    )
    lines = rate(NOVEMBER, customer.segments(NOVEMBER), []).lines
    (fees,) = [line for line in lines if line.kind == "addon"]
    assert [step.amount for step in fees.steps] == [20, 30]
    assert [line.amount for line in lines if line.kind == "base_fee"] == [19]
