"""Cards and plans are read exactly, and equal content is one version."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tollspan_rater.pricing.book import check, load
from tollspan_rater.pricing.model import PerUnit, per_single_unit
from tollspan_rater.pricing.pattern import can_meet, matches, specificity
from tollspan_rater.pricing.schema import json_schema

EXAMPLES = Path(__file__).parents[2] / "examples" / "pricing"
FILES = {str(path.relative_to(EXAMPLES)): path.read_text() for path in sorted(EXAMPLES.rglob("*.yaml"))}


def card(prices: str, top: str = "") -> str:
    return f"card: c\ncurrency: USD\n{top}prices:\n{prices}"


def test_the_examples_hold_and_warn_only_of_the_volume_cliffs() -> None:
    assert {finding.severity for finding in check(FILES)} == {"warning"}
    book = load(FILES)
    assert list(book.plans) == ["free", "starter", "pro", "enterprise"]
    assert all("volume cliff" in finding.problem for finding in book.warnings)


@pytest.mark.parametrize("text", FILES.values(), ids=FILES.keys())
def test_the_examples_fit_the_schema_for_editors(text: str) -> None:
    for document in yaml.safe_load_all(text):
        jsonschema.validate(document, json_schema())


@pytest.mark.parametrize("text", ["card: c\ncurrency: USD\nprices: [{input: -1}]", "plan: p\ncurrency: USD\ncards: []"])
def test_the_schema_refuses_what_the_check_refuses(text: str) -> None:
    assert check({"x.yaml": text})
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), json_schema())


def test_notation_order_and_comments_do_not_make_another_version() -> None:
    plain = card("  - {model: m, input: 0.000001, output: 2}\n")
    other = card("  # dollars\n  - model: m\n    input: {price: 1.00, per: 1M}\n    output: {price: 2_000, per: 1K}\n")
    assert load({"a.yaml": plain}).version == load({"b.yaml": other}).version
    assert load({"a.yaml": plain.replace("2}", "3}")}).version != load({"a.yaml": plain}).version
    assert load({}).version.startswith("pv_")


@settings(deadline=None)
@given(st.integers(0, 10**12), st.integers(0, 12))
def test_a_price_per_1_1k_and_1m_is_the_same_price(digits: int, scale: int) -> None:
    price = Decimal(digits).scaleb(-scale)
    per = {"1": price, "1K": price.scaleb(3), "1M": price.scaleb(6)}
    results = {str(per_single_unit(quoted, unit)) for unit, quoted in per.items()}
    assert len(results) == 1
    assert Decimal(results.pop()) == price


@pytest.mark.parametrize(
    ("model", "provider", "price"),
    [
        ("gpt-4.1", "openai", "1"),  # a full name beats every wildcard
        ("gpt-4.1-mini", "openai", "2"),
        ("gpt-4.1-nano", "openai", "3"),
        ("gpt-4o", "azure", "4"),  # equal models: the provider decides
        ("gpt-4o", "openai", "5"),
        ("claude", "anthropic", "6"),
        (None, None, "6"),  # an unknown name fits * only
    ],
)
def test_the_most_specific_item_wins(model: str | None, provider: str | None, price: str) -> None:
    prices = """
  - {model: gpt-4.1*, input: 3}
  - {model: gpt-4.1-mini*, input: 2}
  - {model: gpt-4.1, input: 1}
  - {model: gpt-4o*, provider: azure, input: 4}
  - {model: gpt-4o*, input: 5}
  - {input: 6}
"""
    item = load({"c.yaml": card(prices)}).cards["c"].item_for("input", provider, model)
    assert item is not None
    assert item.price == PerUnit(Decimal(price))


def test_custom_meters_are_declared() -> None:
    book = load({"c.yaml": card("  - {credits: 0.01}\n", "meters: [credits]\n")})
    assert book.cards["c"].items[0].meter == "credits"


patterns = st.text("ab*?", max_size=4)
NAMES = ["".join(letters) for size in range(6) for letters in product("ab", repeat=size)]


@settings(deadline=None)
@given(patterns, patterns)
def test_patterns_that_can_meet_are_those_with_a_common_name(one: str, other: str) -> None:
    """Two patterns that share a name share one that is no longer than their letters together."""
    common = any(matches(one, name) and matches(other, name) for name in NAMES)
    assert can_meet(one, other) or not common
    if len(one.replace("*", "")) + len(other.replace("*", "")) <= len(NAMES[-1]):
        assert can_meet(one, other) == common


def test_specificity_counts_letters() -> None:
    assert specificity("gpt-4") > specificity("gpt-4.1-mini*") > specificity("gpt-*") > specificity("*")
