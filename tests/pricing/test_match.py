"""Which price is for which usage: dimensions, their precedence, and what nothing can decide."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tollspan_rater.pricing.book import check, load
from tollspan_rater.pricing.card import RateCard
from tollspan_rater.pricing.finding import Finding
from tollspan_rater.pricing.item import PriceItem
from tollspan_rater.pricing.match import DIMENSIONS, Match, fits, is_fact, rivals
from tollspan_rater.pricing.model import PerUnit
from tollspan_rater.pricing.pattern import can_meet

Facts = Mapping[str, str | None]


def card(*prices: str) -> RateCard:
    lines = "\n".join(f"  - {{{price}}}" for price in prices)
    return load({"c.yaml": f"card: c\ncurrency: USD\nprices:\n{lines}\n"}).cards["c"]


def errors(*prices: str) -> list[Finding]:
    lines = "\n".join(f"  - {{{price}}}" for price in prices)
    found = check({"c.yaml": f"card: c\ncurrency: USD\nprices:\n{lines}\n"})
    return [one for one in found if one.severity == "error"]


CARD = (
    "input: 1",
    "model: 'gpt-4*', input: 2",
    "model: 'gpt-4*', match: {feature: 'chat*'}, input: 3",
    "model: 'gpt-4*', match: {feature: chat}, input: 4",
    "model: 'gpt-4*', match: {feature: 'chat*', environment: production}, input: 5",
    "match: {tags.team: blue}, priority: 2, input: 6",
    "match: {feature: free}, priority: 1, input: 7",
    "model: gpt-4.1, input: 8",
    "match: {region: 'eu-?'}, input: 9",
)


@pytest.mark.parametrize(
    ("model", "facts", "price"),
    [
        (None, {}, 1),
        ("claude", {"feature": "chat"}, 1),
        ("gpt-4o", {}, 2),
        ("gpt-4o", {"feature": "chatty", "environment": "test"}, 3),
        ("gpt-4o", {"feature": "chat", "environment": "test"}, 4),  # equal dimensions: the pattern decides
        ("gpt-4o", {"feature": "chat", "environment": "production"}, 5),  # more dimensions decide first
        ("gpt-4o", {"feature": "chat"}, 5),  # nobody said which environment: production
        ("gpt-4o", {"feature": "chat", "environment": None}, 5),
        ("gpt-4.1", {"feature": "chat"}, 8),  # the model decides before any dimension
        ("gpt-4.1", {"tags.team": "blue", "feature": "free"}, 6),  # priority decides before the model
        ("gpt-4.1", {"tags.team": "red", "feature": "free"}, 7),
        ("gpt-4o", {"feature": "Chat"}, 2),  # case counts
        ("claude", {"region": "eu-1"}, 9),
        ("claude", {"region": None}, 1),  # what nobody said fits no pattern
        ("claude", {"region": "eu-12"}, 1),
    ],
)
def test_the_price_that_decides(model: str | None, facts: Facts, price: int) -> None:
    item = card(*CARD).item_for("input", "openai", model, facts)
    assert item is not None
    assert item.price == PerUnit(Decimal(price))


def test_a_star_asks_for_nothing_and_is_the_same_content() -> None:
    assert card("match: {feature: '*'}, input: 1") == card("input: 1")
    (item,) = card("match: {feature: '?*'}, input: 1").items
    assert not item.fits(None, None, {})
    assert item.fits(None, None, {"feature": "x"})


def test_the_order_in_which_dimensions_are_written_does_not_matter() -> None:
    one = card("match: {tags.b: x, user: y, tags.a: z, feature: w}, input: 1")
    assert one == card("match: {feature: w, tags.a: z, tags.b: x, user: y}, input: 1")
    assert one.items[0].key == "input:*/*{feature=w,user=y,tags.a=z,tags.b=x}"


@pytest.mark.parametrize(
    ("one", "other", "ambiguous"),
    [
        ("input: 1", "input: 2", True),
        ("match: {feature: a}, input: 1", "match: {feature: b}, input: 2", False),  # no usage is both
        ("match: {feature: 'a*'}, input: 1", "match: {feature: '*b'}, input: 2", True),
        ("match: {feature: 'a*'}, input: 1", "match: {feature: '*bc'}, input: 2", False),
        ("match: {feature: a}, input: 1", "match: {region: b}, input: 2", True),
        ("match: {feature: a}, input: 1", "match: {region: b, agent: c}, input: 2", True),
        ("match: {feature: a}, input: 1", "match: {feature: 'a*', agent: c}, input: 2", False),
        ("match: {feature: a, region: x}, input: 1", "match: {feature: b, agent: c}, input: 2", False),
        ("match: {feature: a}, priority: 1, input: 1", "match: {region: b}, input: 2", False),
        ("model: 'gpt*', match: {feature: a}, input: 1", "match: {region: b}, input: 2", False),
        ("model: 'a*', match: {feature: a}, input: 1", "model: 'b*', match: {region: b}, input: 2", False),
        ("match: {feature: a}, input: 1", "match: {feature: a}, output: 2", False),
        ("match: {feature: a, tags.x: 'y*'}, input: 1", "match: {feature: a, tags.x: '?z'}, input: 2", True),
        ("input: 1", "convert: {to: input, input: 1}", True),
    ],
)
def test_what_nothing_decides_is_an_error(one: str, other: str, ambiguous: bool) -> None:
    for order in ((one, other), (other, one)):
        found = [finding for finding in errors(*order) if "ambiguous" in finding.problem]
        assert [finding.line for finding in found] == ([5] if ambiguous else [])
        assert all("priority" in finding.remedy for finding in found)


patterns = st.sampled_from(["a", "b", "a*", "*b", "?", "*a*"])
matches = st.dictionaries(st.sampled_from(["feature", "region", "tags.x"]), patterns, max_size=3)
VALUES = ["a", "b", "ab", "aa", "ba", "bb", None]


def ordered(match: dict[str, str]) -> Match:
    return tuple((name, match[name]) for name in ("feature", "region", "tags.x") if name in match)


@settings(max_examples=80, deadline=None)
@given(st.lists(matches, min_size=2, max_size=4, unique_by=lambda one: tuple(sorted(one.items()))))
def test_without_rivals_one_price_decides_on_any_usage(drawn: list[dict[str, str]]) -> None:
    """And it is the one whose dimensions contain those of every other that fits."""
    items = [
        PriceItem("c", "input", "*", "*", PerUnit(Decimal(number)), match=ordered(match))
        for number, match in enumerate(drawn)
    ]
    if any(rivals(one.match, other.match) for number, one in enumerate(items) for other in items[:number]):
        return
    for values in product(VALUES, repeat=3):
        facts = dict(zip(("feature", "region", "tags.x"), values, strict=True))
        fitting = [item for item in items if fits(item.match, facts)]
        best = max(fitting, key=lambda item: item.rank, default=None)
        for item in fitting:
            assert best is not None
            assert item is best or item.rank < best.rank
            assert dict(item.match).keys() <= dict(best.match).keys()


def test_every_dimension_can_be_matched_and_counted() -> None:
    written = ", ".join(f"{name}: x" for name in (*DIMENSIONS, "tags.team"))
    (item,) = card(f"match: {{{written}}}, input: 1").items
    assert [name for name, _ in item.match] == [*DIMENSIONS, "tags.team"]
    assert all(is_fact(name) for name in (*DIMENSIONS, "model", "provider", "run", "tags.team"))
    assert not any(is_fact(name) for name in ("tags.", "customer", "team"))


entries = st.fixed_dictionaries(
    {"model": st.sampled_from(["*", "a*", "b*", "a", "?", "*a"]), "match": matches, "priority": st.sampled_from([0, 1])}
)


@settings(max_examples=80, deadline=None)
@given(st.lists(entries, min_size=2, max_size=7))
def test_every_ambiguous_pair_is_found(drawn: list[dict[str, Any]]) -> None:
    prices = [f"model: '{one['model']}', priority: {one['priority']}, match: {json.dumps(one['match'])}, input: 1"
              for one in drawn]  # fmt: skip
    items = [PriceItem("c", "input", one["model"], "*", PerUnit(Decimal(1)), match=ordered(one["match"]),
                       priority=one["priority"]) for one in drawn]  # fmt: skip
    expected = {
        4 + second
        for first, second in combinations(range(len(items)), 2)
        if items[first].rank[:3] == items[second].rank[:3]
        and can_meet(items[first].model, items[second].model)
        and rivals(items[first].match, items[second].match)
    }
    assert {finding.line for finding in errors(*prices)} == expected
