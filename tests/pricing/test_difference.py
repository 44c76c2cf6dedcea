"""What differs between two price books is told, all of it, in the words of the files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tollspan_rater.pricing.book import load
from tollspan_rater.pricing.difference import differences

CARD = """card: models
currency: USD
per: 1M
meters: [page]
prices:
  - {model: "gpt-*", input: 4.00, output: {graduated: [{up_to: 1_000_000, price: 16, flat: 1}, {price: 12}]}}
  - {page: {package: {size: 100, price: 1.50, free: 20}}}
---
card: more
currency: USD
prices:
  - {request: 0.01}
---
plan: team
title: Team
currency: USD
cards: [models, more]
base_fee: 49.00
included: {tokens: 1_000_000}
discounts: [{percent: 10, name: Launch}]
---
addon: seats
currency: USD
fee: 20
---
terms: acme
base_fee: 10
prices:
  - {model: "gpt-*", per: 1M, input: 3.00}
"""
GRADUATED = "graduated: up to 1,000,000, unit price 16, flat 1; unit price 12 per 1M"
GRADUATED_2 = GRADUATED.replace("flat 1", "flat 2")
OUTPUT = "price output:*/gpt-*"
EDITS = [
    ("input: 4.00", "input: 5.00", [("card models", "price input:*/gpt-*", "4 per 1M", "5 per 1M")]),
    (", output: {grad", ", cache_read: 1, output: {grad",
     [("card models", "price cache_read:*/gpt-*", None, "1 per 1M")]),
    ("flat: 1}", "flat: 2}", [("card models", OUTPUT, GRADUATED, GRADUATED_2)]),
    (
        "size: 100, price: 1.50",
        "size: 50, price: 1.50",
        [("card models", "price page:*/*", "package: price 1.5, size 100, free 20",
          "package: price 1.5, size 50, free 20")],
    ),
    ("input: 4.00", "fallback: none, input: 4.00",
     [("card models", "price input:*/gpt-*", "4 per 1M", "4 per 1M, takes children no"),
      ("card models", OUTPUT, GRADUATED, GRADUATED + ", takes children no")]),
    ('{model: "gpt-*", input: 4', '{model: "gpt-*", priority: 2, input: 4',
     [("card models", "price input:*/gpt-*", "4 per 1M", None), ("card models", OUTPUT, GRADUATED, None),
      ("card models", "price input:*/gpt-*+2", None, "4 per 1M"),
      ("card models", "price output:*/gpt-*+2", None, GRADUATED)]),
    ("base_fee: 49.00", "base_fee: 59.00", [("plan team", "base fee amount", "49", "59")]),
    ("base_fee: 49.00\n", "", [("plan team", "base fee", "base fee: amount 49", None)]),
    ("cards: [models, more]", "cards: [more, models]", [("plan team", "cards", "models; more", "more; models")]),
    ("title: Team", "title: Teams", [("plan team", "title", "Team", "Teams")]),
    ("tokens: 1_000_000", "tokens: 2_000_000",
     [("plan team", "included", "meter tokens, quantity 1,000,000", "meter tokens, quantity 2,000,000")]),
    ("percent: 10", "percent: 20",
     [("plan team", "discounts", "kind percent, value 10, name Launch",
       "kind percent, value 20, name Launch")]),
    ("fee: 20", "fee: 25", [("add-on seats", "fee", "20", "25")]),
    ("base_fee: 10\n", "base_fee: 11\n", [("terms acme", "instead base fee amount", "10", "11")]),
    ("input: 3.00", "input: 2.00", [("terms acme", "price input:*/gpt-*", "3 per 1M", "2 per 1M")]),
    ("terms: acme", "terms: globex",
     [("terms globex", "", None, "instead base_fee: base fee: amount 10"),
      ("terms globex", "price input:*/gpt-*", None, "3 per 1M"),
      ("terms acme", "", "instead base_fee: base fee: amount 10", None),
      ("terms acme", "price input:*/gpt-*", "3 per 1M", None)]),
]  # fmt: skip
REORDERED = CARD.replace("  - {page: {package: {size: 100, price: 1.50, free: 20}}}\n", "").replace(
    "prices:\n  - {model", "prices:\n  - {page: {package: {size: 100, price: 1.50, free: 20}}}\n  - {model", 1
)


def found(old: str, new: str) -> list[tuple[str, str, str | None, str | None]]:
    changes = differences(load({"a.yaml": old}), load({"b.yaml": new}))
    return [(one.document, one.name, one.was, one.now) for one in changes]


@pytest.mark.parametrize(("was", "now", "expected"), EDITS, ids=[f"{was} -> {now}" for was, now, _ in EDITS])
def test_each_change_is_told_and_told_back(
    was: str, now: str, expected: list[tuple[str, str, str | None, str | None]]
) -> None:
    changed = CARD.replace(was, now, 1)
    assert found(CARD, changed) == expected
    back = {(document, name, after, before) for document, name, before, after in expected}
    assert set(found(changed, CARD)) == back


def test_the_order_of_prices_decides_on_allowances() -> None:
    assert [(document, name) for document, name, _, _ in found(CARD, REORDERED)] == [("card models", "order of prices")]


def test_a_whole_document_comes_and_goes_with_its_prices() -> None:
    fewer = CARD.replace("card: more\ncurrency: USD\nprices:\n  - {request: 0.01}\n---\n", "").replace(", more]", "]")
    assert found(CARD, fewer) == [
        ("plan team", "cards", "models; more", "models"),
        ("card more", "", "currency USD", None),
        ("card more", "price request:*/*", "0.01", None),
    ]
    kinds = {change.kind for change in differences(load({"a.yaml": fewer}), load({"a.yaml": CARD}))}
    assert kinds == {"added", "changed"}


@settings(max_examples=60, deadline=None)
@given(st.sets(st.sampled_from(range(len(EDITS)))), st.sets(st.sampled_from(range(len(EDITS)))))
def test_books_differ_exactly_when_their_versions_do(one: set[int], other: set[int]) -> None:
    texts = []
    for chosen in (one, other):
        text = CARD
        for number in sorted(chosen):
            text = text.replace(*EDITS[number][:2], 1)
        texts.append(text)
    old, new = (load({"a.yaml": text}) for text in texts)
    assert (differences(old, new) == ()) == (old.version == new.version)


def test_the_examples_do_not_differ_from_themselves() -> None:
    folder = Path(__file__).parents[2] / "examples" / "pricing"
    files = {path.name: path.read_text() for path in folder.rglob("*.yaml")}
    assert differences(load(files), load(files)) == ()
