"""Contracts are read from YAML as decimals; whatever is wrong is named with file and line."""

from datetime import UTC, datetime
from decimal import Decimal
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan_rater.cost.contract import Contract, parse_contract
from tollspan_rater.domain.clock import to_ns
from tollspan_rater.errors import PricingError


def contract(text: str) -> Contract:
    return parse_contract(dedent(text), "costs/openai.yaml")


def test_an_entry_becomes_rows() -> None:
    (entry,) = contract(
        """
        costs:
          - provider: azure.ai.openai
            model: GPT-4.1*
            from: 2026-07-01
            to: 2027-01-01
            currency: EUR
            tier: Batch
            source: contract 4711
            rates:
              input: {per_1m: 1.60}
              tool_call: {per_1: 0.001}
            above: {200000: {input: {per_1m: 3.20}}}
        """
    ).entries
    below, tool, above = entry
    assert (below.provider, below.model, below.meter, below.tier) == ("azure", "gpt-4.1*", "input", "batch")
    assert (below.rate, below.threshold, below.currency) == (Decimal("0.0000016"), 0, "EUR")
    assert below.valid_from == to_ns(datetime(2026, 7, 1, tzinfo=UTC))
    assert below.valid_to == to_ns(datetime(2027, 1, 1, tzinfo=UTC))
    assert (tool.meter, tool.rate, tool.tier) == ("tool_call", Decimal("0.001"), "*")  # a tool call has no tier
    assert (above.rate, above.threshold) == (Decimal("0.0000032"), 200_000)
    assert {row.source for row in entry} == {"contract 4711"}


def test_what_is_left_out_has_a_default_and_the_place_is_the_source() -> None:
    ((row,),) = contract("costs:\n  - rates: {gpu_second: {per_1: 0.0007}}\n").entries
    assert (row.provider, row.model, row.currency, row.valid_from, row.valid_to) == ("*", "*", "USD", None, None)
    assert row.source == "costs/openai.yaml:2"


@pytest.mark.parametrize("text", ["", "costs: []", "# nothing yet"])
def test_an_empty_file_is_an_empty_contract(text: str) -> None:
    assert contract(text) == Contract()


@given(st.decimals(0, 1000, places=6, allow_nan=False))
def test_per_1_per_1k_and_per_1m_are_the_same_price(price: Decimal) -> None:
    rates = [
        contract(f"costs: [{{rates: {{input: {{{unit}: {amount:f}}}}}}}]").entries[0][0].rate
        for unit, amount in (("per_1", price / 10**6), ("per_1k", price / 10**3), ("per_1m", price))
    ]
    assert rates[0] == rates[1] == rates[2] == price / 10**6


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("costs: [", 1, "no YAML"),
        ("- costs", 1, "a mapping is expected"),
        ("prices: []", 1, "'prices' is not known"),
        ("costs:\n  provider: openai", 2, "a list is expected"),
        ("costs:\n  - provider: openai\n    modell: x", 3, "'modell' is not known"),
        ("costs:\n  - provider: openai", 2, "has no price"),
        ("costs:\n  - model: a\n    model: b", 3, "stands twice"),
        ("costs:\n  - rates:\n      input: {per_1m: -1}", 3, "'-1' is no price"),
        ("costs:\n  - rates:\n      input: {per_1m: 1e3}", 3, "'1e3' is no price"),
        ("costs:\n  - rates:\n      input: {per_1m: .inf}", 3, "'.inf' is no price"),
        ("costs:\n  - rates:\n      input: {per_1m: 1, per_1: 1}", 3, "needs one price"),
        ("costs:\n  - rates:\n      input: {per_100: 1}", 3, "'per_100' is not known"),
        ("costs:\n  - rates:\n      input: 3", 3, "a mapping is expected"),
        ("costs:\n  - rates:\n      Input tokens: {per_1m: 3}", 3, "is no meter"),
        ("costs:\n  - rates: {input: {per_1m: 3}}\n    from: yesterday", 3, "'yesterday' is no day"),
        ("costs:\n  - rates: {input: {per_1m: 3}}\n    from: 2026-02-01\n    to: 2026-02-01", 4, "`to` is not after"),
        ("costs:\n  - rates: {input: {per_1m: 3}}\n    currency: dollars", 3, "is no currency"),
        ("costs:\n  - rates: {input: {per_1m: 3}}\n    above: {0: {input: {per_1m: 4}}}", 3, "no number of tokens"),
        ("costs:\n  - rates: {input: {per_1m: 3}}\n    above: {9: {output: {per_1m: 4}}}", 3, "no rate below 9"),
        ("costs:\n  - discount_percent: 101", 2, "less than nothing"),
        ("costs:\n  - provider: [openai]", 2, "a single value is expected"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, line: int, problem: str) -> None:
    with pytest.raises(PricingError, match=r"costs/openai\.yaml") as caught:
        parse_contract(text, "costs/openai.yaml")
    assert caught.value.line == line
    assert problem in str(caught.value)


def test_of_two_files_the_earlier_comes_first() -> None:
    one, two = contract("costs: [{discount_percent: 5}]"), contract("costs: [{discount_percent: 7}]")
    assert [discount.factor for discount in (one + two).discounts] == [Decimal("0.95"), Decimal("0.93")]
