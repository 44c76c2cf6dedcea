"""Attribution as plain texts: it comes back whole, from any carrier, and nothing raises."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tollspan import attribute, current, extract, inject, semconv
from tollspan.attribution import NOBODY, Attribution
from tollspan.carrier import from_baggage, header_keys, texts, to_baggage

TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)
KEYS = st.fixed_dictionaries(
    {},
    optional={
        **{key: TEXT for key in semconv.ATTRIBUTION_KEYS if key != "billable"},
        "billable": st.booleans(),
        "tags": st.dictionaries(TEXT, TEXT, max_size=16),
    },
)


@settings(max_examples=60, deadline=None)
@given(KEYS)
def test_what_is_injected_comes_out_again(given: Any) -> None:
    with attribute(**given):
        inside, carrier = current(), inject()
    assert all(isinstance(text, str) for text in carrier.values())
    with extract(carrier):
        assert current() == inside
    assert current() == NOBODY


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["customer", "user", "feature"]), TEXT), st.booleans())
def test_what_is_written_as_baggage_comes_out_again(values: dict[str, str], billable: bool) -> None:
    whose = Attribution({**values, "billable": billable}, {"team": "r,e;d=1"})
    header = to_baggage(whose, "mine=1;prop=2, tollspan.customer=old")
    assert header.startswith("mine=1;prop=2,")
    assert header.isascii()
    with extract(from_baggage(header)):
        assert current() == whose


@pytest.mark.parametrize(
    "carrier",
    [None, 7, "tollspan.customer=acme", [("tollspan.customer", "acme")], {}, {1: "a"}, {"tollspan.customer": 7},
     {"customer": "acme"}, {"tollspan.costumer": "acme"}, {"tollspan.record.id": "x"}, {b"tollspan.customer": b"a"}],
    ids=repr,
)  # fmt: skip
def test_a_foreign_or_damaged_carrier_names_nobody(carrier: Any) -> None:
    with extract(carrier):
        assert current() == NOBODY


def test_a_carrier_that_throws_names_nobody() -> None:
    class Hostile(dict[str, str]):
        def items(self) -> Any:
            raise RuntimeError

    with extract(Hostile(a="b")):
        assert current() == NOBODY


def test_a_carrier_is_bounded_and_lies_over_what_is_in_force() -> None:
    carrier = {"tollspan.customer": "x" * 999, **{f"tollspan.tags.{n}": "t" for n in range(99)}}
    with attribute(customer="acme", user="u1"), extract(carrier):
        assert current().values == {"customer": "x" * 256, "user": "u1"}
        assert len(current().tags) == semconv.MAX_TAGS


def test_it_decorates_a_worker() -> None:
    @extract({"tollspan.customer": "acme"})
    def work() -> dict[str, str]:
        return texts(current())

    assert work() == {"tollspan.customer": "acme"}


@pytest.mark.parametrize(
    ("headers", "keys"),
    [
        ({"X-Tollspan-Customer": "acme"}, {"customer": "acme"}),
        (
            {"x-tollspan-prompt-version": "3", "X-TOLLSPAN-FEATURE_FLAG": "f"},
            {"prompt_version": "3", "feature_flag": "f"},
        ),
        ({"x-tollspan-billable": "False"}, {"billable": False}),
        ({"x-tollspan-billable": "true"}, {"billable": True}),
        (
            {"x-tollspan-tags-team": "red", "x-tollspan-Tags-Cost-Center": "9"},
            {"tags": {"team": "red", "cost-center": "9"}},
        ),
        ({"x-tollspan-costumer": "acme"}, {}),
    ],
)
def test_headers_say_the_same(headers: dict[str, str], keys: dict[str, Any]) -> None:
    assert header_keys(headers, headers.get) == keys
