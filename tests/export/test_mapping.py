"""What things are called in a target: from the mapping file and the master data, and never guessed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tollspan_rater.errors import MappingError
from tollspan_rater.export.contract import Needs
from tollspan_rater.export.draft import Draft, Service, Source
from tollspan_rater.export.mapping import Names, Unmapped, read_mapping
from tollspan_rater.export.target import Mapped

NEEDS = Needs(customer=("customer", "subscription"), meter=("code",))
TEXT = """
customers:
  acme: {customer: C, subscription: 7}
  internal: null
meters:
  input: {code: in, property: tokens}
  request: null
lines:
  - {kind: base_fee, to: {code: fee}}
  - {meter: input, plan: pro, to: {code: in_pro}}
  - {kind: rounding, to: null}
"""


def names(text: str = TEXT, ids: dict[str, dict[str, str]] | None = None, needs: Needs = NEEDS) -> Names:
    return Names(read_mapping("m.yaml", text), needs, "lago", ids or {})


def draft(source: Source = "usage", customer: str = "acme", meter: str = "input", **said: Any) -> Draft:
    return Draft(source, customer, "x", 0, Service("2026-11", "UTC", 0, 1), meter, "", Decimal(1), **said)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (draft(), {"code": "in", "property": "tokens"}),
        (draft("amount", kind="base_fee", meter=""), {"code": "fee"}),
        (draft("amount", plan="pro"), {"code": "in_pro"}),
        (draft(meter="output"), Unmapped("meter", "output", ("code",))),
        (draft(meter="request"), Unmapped("meter", "request")),
        (draft("amount", plan="free"), Unmapped("line", "usage/input/free", ("code",))),
        (draft("amount", kind="rounding", meter=""), Unmapped("line", "rounding")),
        (draft(customer="globex"), Unmapped("customer", "globex", ("customer", "subscription"))),
        (draft(customer="internal"), Unmapped("customer", "internal")),
    ],
)
def test_words_are_those_of_the_file(given: Draft, wanted: dict[str, str] | Unmapped) -> None:
    found = names().mapped(given)
    assert found == (wanted if isinstance(wanted, Unmapped) else Mapped({"customer": "C", "subscription": "7"}, wanted))


def test_external_ids_fill_in_and_the_file_wins() -> None:
    ids = {"acme": {"lago": "X"}, "globex": {"lago": "G", "lago.subscription": "S", "stripe": "cus"}}
    known = names(ids=ids)
    assert known.customer("acme") == {"customer": "C", "subscription": "7"}
    assert known.customer("globex") == {"customer": "G", "subscription": "S"}


def test_a_default_is_for_what_nothing_names() -> None:
    known = names(TEXT + "default: {code: rest}\n")
    assert [known.mapped(one) for one in (draft(meter="output"), draft("amount", plan="free"))] == [
        Mapped({"customer": "C", "subscription": "7"}, {"code": "rest"})
    ] * 2


@pytest.mark.parametrize(
    ("meter", "told_as"), [("input", "input"), ("cache_write_5m", "input"), ("reasoning", "reasoning")]
)
def test_a_part_without_words_is_told_with_its_whole(meter: str, told_as: str) -> None:
    assert names().meter_told(meter) == told_as
    assert names(needs=Needs()).meter_told(meter) == meter


@pytest.mark.parametrize("word", ["012345670123", "1_000", "1.10", "1e3", "no", "12:30:45", "2026-11-01", "0x1f", "="])
def test_a_word_is_text_as_it_is_written(word: str) -> None:
    read = read_mapping("m.yaml", f"customers: {{{word}: {{account: {word}}}, gone: ~, kept: null}}")
    assert read.customers == {word: {"account": word}, "gone": None, "kept": None}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("customers: [", "m.yaml: line 1: this is no YAML"),
        ("customer: {a: {b: c}}", "m.yaml: customer: no such key; known are customers"),
        ("customers: {acme: cus_1}", "m.yaml: customers.acme: words with their names are needed here"),
        ("meters: {input: {code: [1]}}", "m.yaml: meters.input.code: one word is needed here"),
        ("lines: [{kind: usage}]", "m.yaml: lines.0.to"),
    ],
)
def test_a_file_that_cannot_be_used_says_where(text: str, words: str) -> None:
    with pytest.raises(MappingError) as caught:
        read_mapping("m.yaml", text)
    assert words in str(caught.value)
