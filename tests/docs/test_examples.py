"""The pricing files on the pages can be applied as they stand, and the worked example comes to its total."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from tests.docs.pages import blocks, page

from tollspan_rater.cost.contract import parse_contract
from tollspan_rater.pricing.book import check, load
from tollspan_rater.pricing.period import period
from tollspan_rater.pricing.policy import BILLABLE
from tollspan_rater.pricing.timeline import Applied, Assignment, segments
from tollspan_rater.rating.line import RatedPeriod, UsageGroup
from tollspan_rater.rating.rate import rate

PRICING, DECISIONS, COSTS = (f"docs/concepts/{name}.md" for name in ("pricing", "decisions", "cost-and-margin"))


def yaml(name: str) -> str:
    text, *_ = [block.text for block in blocks(page(name)) if block.language == "yaml"]
    return text


def counts(**quantities: int) -> dict[str, Decimal]:
    return {meter: Decimal(quantity) for meter, quantity in quantities.items()}


@pytest.fixture(scope="module")
def bill() -> RatedPeriod:
    """What the page says in words below its example."""
    month = period("2026-11", "Europe/Berlin")
    book = load({"pricing.yaml": yaml(PRICING)})
    held = segments(month, [Applied(book, 0, 1)], [Assignment("team", 0)], 1)
    groups = [
        UsageGroup("openai", "gpt-4.1", BILLABLE, 0, 1, counts(input=1_200_000, cache_read=300_000, output=150_000)),
        UsageGroup("openai", "gpt-4.1-mini", BILLABLE, 0, 1, counts(output=1_500_000)),
        UsageGroup(None, None, BILLABLE, 0, 1, counts(document_page=150)),
    ]
    return rate(month, held, groups)


def test_the_worked_example_comes_to_its_table(bill: RatedPeriod) -> None:
    rows = [
        [cell.strip().strip("*") for cell in line.strip("|").split("|")]
        for line in page(PRICING).partition("| line |")[2].splitlines()[2:8]
    ]
    shown = [(row[1], row[2] or "0", row[3], row[5]) for row in rows]
    wanted = [(f"{one.quantity:,}", f"{one.included:,}", f"{one.billable:,}", f"{one.amount}") for one in bill.lines]
    assert shown == wanted
    total, *_ = re.findall(r"\*\*total\*\*.*\*\*([0-9.]+)\*\*", page(PRICING))
    assert Decimal(total) == bill.total


def test_the_examples_have_no_findings() -> None:
    assert check({"pricing.yaml": yaml(PRICING), "decisions.yaml": yaml(DECISIONS)}) == ()


def test_the_contract_can_be_read() -> None:
    contract = parse_contract(yaml(COSTS), "costs/example.yaml")
    assert len(contract.entries) == 2
    assert len(contract.discounts) == 1
