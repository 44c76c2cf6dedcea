"""What is wrong or surprising in a card's prices is said with its line and what to do."""

from __future__ import annotations

import jsonschema
import pytest
import yaml

from tollspan_rater.pricing.book import check, load
from tollspan_rater.pricing.schema import json_schema

SCHEMA = jsonschema.Draft202012Validator(json_schema())
HEAD = "card: c\ncurrency: USD\nmeters: {credits: {}, volume: {}, seats: {aggregate: max}}\nprices:\n"
USED = "  - {credits: 1, volume: 1, seats: 1}\n"
PLAN = "---\nplan: p\ncurrency: USD\ncards: [c]\n"


def meters(text: str) -> str:
    return f"card: c\ncurrency: USD\nmeters:\n  {text}\nprices:\n  - {{tokens: 1}}\n"


ERRORS = [
    # price models
    (HEAD + USED + "  - image: {stairstep: [{up_to: 5, amount: 1}]}\n", 6, "gap above 5", "last tier"),
    (HEAD + USED + "  - image: {stairstep: [{up_to: 5, price: 1}]}\n", 6, "no key 'price'", "up_to, amount"),
    (HEAD + USED + "  - image: {stairstep: [{up_to: 5}, {amount: 1}]}\n", 6, "has no amount", "amount: ..."),
    (HEAD + USED + "  - image: {stairstep: 5}\n", 6, "no list", "amount: 0.01"),
    (HEAD + USED + "  - image: {package: {size: 5, price: 1, round: half}}\n", 6, "'half'", "up, down"),
    (HEAD + USED + "  - volume: {percentage: {fixed: 1}}\n", 6, "has no rate", "rate: 2.9"),
    (HEAD + USED + "  - volume: {percentage: {rate: 1, min: 5, max: 2}}\n", 6, "min above max", "Exchange"),
    (HEAD + USED + "  - volume: {percentage: {rate: 1, free_events: 1.5}}\n", 6, "free_events is 1.5", "whole number"),
    (HEAD + USED + "  - volume: {percentage: 2.9}\n", 6, "not a mapping", "key: value"),
    (HEAD + USED + "  - input: {percentage: {rate: 1, fixed: 1}}\n", 6, "counts tokens", "meter of amounts"),
    (HEAD + USED + "  - input: {cost_plus: {markup: -5}}\n", 6, "negative", "0 or more"),
    (HEAD + USED + "  - input: {cost_plus: {up: 5}}\n", 6, "no key 'up'", "markup"),
    # options
    (HEAD + USED + "  - image: {price: 1, zero_flat: yes}\n", 6, "nothing at 0", "graduated, volume"),
    (HEAD + USED + "  - image: {flat: 1, zero_flat: maybe}\n", 6, "neither yes nor no", "yes or no"),
    (HEAD + USED + "  - image: {price: 1, unit: {divide: 0}}\n", 6, "divide 0", "above 0"),
    (HEAD + USED + "  - image: {price: 1, unit: {divide: 3}}\n", 6, "more than 12 decimals", "round: half_up"),
    (HEAD + USED + "  - image: {price: 1, unit: {divide: 2, multiply: 2}}\n", 6, "both divides", "Keep one"),
    (HEAD + USED + "  - image: {price: 1, unit: {round: up}}\n", 6, "'up'", "none, ceil, floor, half_up"),
    (HEAD + USED + "  - image: {price: 1, unit: {round: ceil, digits: 20}}\n", 6, "digits is 20", "from 0 to 12"),
    (HEAD + USED + "  - image: {cost_plus: {}, unit: {round: ceil}}\n", 6, "`unit` cannot convert", "Delete `unit`"),
    (HEAD + USED + "  - volume: {percentage: {rate: 1, min: 1}, unit: {round: ceil}}\n", 6, "`unit` cannot", "Delete"),
    (HEAD + "  - seats: {cost_plus: {}}\n", 5, "aggregated by max", "another price model"),
    # matching
    (HEAD + USED + "  - {match: {featur: x}, input: 1}\n", 6, "no dimension 'featur'", "feature"),
    (HEAD + USED + "  - {match: {tags.: x}, input: 1}\n", 6, "no dimension 'tags.'", "tags.NAME"),
    (HEAD + USED + "  - {match: chat, input: 1}\n", 6, "not a mapping", "key: value"),
    (HEAD + USED + "  - {match: {feature: [a]}, input: 1}\n", 6, "not a text", "one value"),
    (HEAD + USED + "  - {priority: -1, input: 1}\n", 6, "negative", "0 or more"),
    (HEAD + USED + "  - {priority: high, input: 1}\n", 6, "no number", "digits"),
    # meters
    (meters("model: {}"), 4, "no name for a meter", "Rename"),
    (meters("users: {aggregate: average}"), 4, "'average'", "sum, count, unique, max, latest"),
    (meters("users: {aggregate: unique}"), 4, "not of what", "of: user"),
    (meters("users: {aggregate: unique, of: customer}"), 4, "no dimension 'customer'", "tags.NAME"),
    (meters("users: {aggregate: max, of: user}"), 4, "does not use", "aggregate: unique"),
    (meters("input: {aggregate: max}"), 4, "only be summed", "meter of your own"),
    (meters("users: 5"), 4, "not a mapping", "key: value"),
    # conversions
    (HEAD + USED + "  - convert: {input: 1}\n", 6, "to which meter", "to: credits"),
    (HEAD + USED + "  - convert: {to: credits}\n", 6, "converts nothing", "input: 1"),
    (HEAD + USED + "  - convert: {to: points, input: 1}\n", 6, "'points' is no meter that the card", "points: {}"),
    (HEAD + USED + "  - convert: {to: output, input: 1}\n", 6, "'output' is no meter that the card", "meters:"),
    (HEAD + USED + "  - {convert: {to: credits, input: 1}, input: 2}\n", 6, "both prices and converts", "Keep one"),
    (HEAD + "  - convert: {to: credits, credits: 1}\n", 5, "to itself", "another meter"),
    (HEAD + "  - convert: {to: credits, seats: 1}\n", 5, "cannot be converted", "directly"),
    (HEAD + USED + "  - convert: {to: credits, inptu: 1}\n", 6, "no key 'inptu'", "input"),
    (HEAD + USED + "  - convert: 5\n", 6, "not a mapping", "key: value"),
    # the cards of a plan together
    (
        HEAD + "  - convert: {to: credits, input: 1}\n" + PLAN,
        5,
        "which no card of plan p prices",
        "credits: 0.01",
    ),
    (
        HEAD + "  - convert: {to: credits, input: 1}\n  - convert: {to: volume, credits: 1}\n  - {volume: 1}\n" + PLAN,
        5,
        "converts again",
        "to volume at once",
    ),
    (
        HEAD + "  - convert: {to: seats, input: 1}\n  - {seats: 1}\n" + PLAN,
        5,
        "needs more than a sum",
        "follows its sum",
    ),
    (
        HEAD + "  - volume: {percentage: {rate: 1, fixed: 1}}\n" + PLAN + "included:\n  volume: 5\n",
        11,
        "looks at single events",
        "free_amount",
    ),
    (
        HEAD + USED + "---\ncard: d\ncurrency: USD\nmeters: {seats: {aggregate: latest}}\nprices: [{seats: 1}]\n"
        "---\nplan: p\ncurrency: USD\ncards: [c, d]\n",
        7,
        "aggregate seats differently",
        "alike in both",
    ),
]

OWN = HEAD + USED + PLAN + "---\nterms: acme\n"
ERRORS += [
    (OWN + "prices:\n  - {input: 1}\n  - {input: 2}\n", 14, "ambiguous", "more specific"),
    (OWN + "prices:\n  - {seats: {cost_plus: {}}}\n", 13, "aggregated by max", "another price model"),
    (OWN + "prices:\n  - {convert: {to: seats, input: 1}}\n", 13, "needs more than a sum", "follows its sum"),
    (
        OWN + "prices:\n  - {volume: {percentage: {rate: 1, min: 1}}}\nincluded:\n  volume: 1\n",
        15,
        "the terms of acme includes volume",
        "free_amount",
    ),
]


@pytest.mark.parametrize(("text", "line", "problem", "remedy"), ERRORS, ids=[problem for _, _, problem, _ in ERRORS])
def test_errors(text: str, line: int, problem: str, remedy: str) -> None:
    everything = check({"prices.yaml": text})
    found = [one for one in everything if problem in one.problem]
    assert found, [str(one) for one in everything]
    assert (found[0].line, found[0].severity) == (line, "error")
    assert remedy in found[0].remedy, found[0].remedy


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (
            "image: {stairstep: [{up_to: 5, amount: 9}, {amount: 8}]}",
            "stairstep fall of image:*/*: at 5 units the bill falls from 9 to 8",
        ),
        (
            "image: {volume: [{up_to: 5, price: 2}, {price: 1, flat: 4}]}",
            "volume cliff of image:*/*: at 5 units the bill falls from 10 to 9",
        ),
        ("volume: {percentage: {rate: 290}}", "volume is charged 290 percent of its amount"),
        ("image: {percentage: {rate: 1}}", "a percentage of image, which counts units and is no amount of money"),
    ],
)
def test_warnings(entry: str, problem: str) -> None:
    text = "card: c\ncurrency: USD\nmeters: [volume]\nprices:\n  - {volume: {flat: 1}, provider: x}\n  - " + entry
    found = [one for one in check({"c.yaml": text + "\n"}) if one.line == 6]
    assert [(one.problem, one.severity) for one in found] == [(problem, "warning")]


def test_a_price_that_another_always_goes_before_and_a_meter_without_one_are_warnings() -> None:
    text = "card: c\ncurrency: USD\nmeters: [lost]\nprices:\n  - {input: 1}\n  - {input: 2, priority: 3}\n"
    assert [(one.line, one.problem) for one in load({"c.yaml": text}).warnings] == [
        (1, "card c declares lost and has no price for it"),
        (5, "input:*/* is never used: input:*/*+3 (line 6) fits the same and goes before it"),
    ]


GOOD = (
    HEAD
    + """
  - {credits: {price: 0.01, per: 1}}
  - {convert: {to: credits, per: 1K, input: 1, output: 4}, model: gpt*}
  - {volume: {percentage: {rate: 2.9, fixed: 0.30, free_events: 10, free_amount: 1000, min: 0.5, max: 20}}}
  - {model: "claude-*", match: {feature: "chat*", tags.team: x}, priority: 1, tokens: {cost_plus: {markup: 20}}}
  - {seats: {stairstep: [{up_to: 5, amount: 50}, {amount: 400}], zero_flat: true}}
  - {web_search: {package: {size: 1000, price: 10, free: 100, round: down}}}
  - {image: {price: 1, unit: {divide: 8, round: ceil, digits: 1}}, audio_second: {cost_plus: {margin: 0.10, per: 1M}}}
"""
)


def test_what_the_check_accepts_the_schema_accepts() -> None:
    assert [str(one) for one in check({"c.yaml": GOOD})] == []
    SCHEMA.validate(yaml.safe_load(GOOD))


SHAPE = (
    "no key 'price'", "has no amount", "no list", "'half'", "has no rate", "free_events is", "not a mapping",
    "negative", "no key 'up'", "neither yes nor no", "'up'", "digits is", "no dimension 'featur'",
    "no dimension 'tags.'", "not a text", "no number", "'average'", "to which meter",
)  # fmt: skip  # the rest has the right shape and means nothing


@pytest.mark.parametrize("row", [row for row in ERRORS if row[2] in SHAPE], ids=lambda row: row[2])
def test_what_has_the_wrong_shape_the_schema_refuses(row: tuple[str, int, str, str]) -> None:
    card = yaml.safe_load(row[0])
    with pytest.raises(jsonschema.ValidationError):
        SCHEMA.validate(card)
