"""The table of questions and its interpreter."""

from __future__ import annotations

import pytest

from tollspan_rater.errors import NotFoundError, UsageError
from tollspan_rater.query.questions import QUESTIONS, question


@pytest.mark.parametrize(
    ("name", "given", "read"),
    [
        ("usage", {}, {"by": "customer", "sort": "charge"}),
        ("usage", {"by": ["model, day", "customer"]}, {"by": "model,day,customer", "sort": "charge"}),
        ("margin", {"to": ["2026-11-01T00:00Z"]}, {"by": "customer", "sort": "margin", "to": "2026-11-01T00:00Z"}),
        ("audit", {"full": ["true"]}, {"full": "true"}),
        ("audit", {"full": ["false"]}, {}),
        ("invoice", {"all": ["false"], "customer": ["a,b"]}, {"customer": "a,b"}),
        ("calls", {"limit": ["5"], "model": ["x' OR 1=1 --"]}, {"limit": "5", "model": "x' OR 1=1 --"}),
    ],
)  # fmt: skip
def test_reads(name: str, given: dict[str, list[str]], read: dict[str, str]) -> None:
    assert question(name).read(given) == read


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("usage", {"custommer": ["a"]}, "did you mean 'customer'?"),
        ("usage", {"by": ["customer;drop"]}, "did you mean 'customer'?"),
        ("usage", {"by": ["zzz"]}, "known are: customer"),
        ("usage", {"top": ["-1"]}, "whole number"),
        ("usage", {"from": ["2026-02-30"]}, "2026-11-01"),
        ("usage", {"as_of": ["yesterday"]}, "a journal position, now, stored, a day or an instant"),
        ("usage", {"as_of": ["-3"]}, "a journal position"),
        ("usage", {"customer": ["a", "b"]}, "once"),
        ("usage", {"customer": [""]}, "some text"),
        ("audit", {"full": ["yes"]}, "true or false"),
        ("invoice", {}, "exactly one of"),
        ("explain", {}, "needs id"),
    ],
)
def test_refuses(name: str, given: dict[str, list[str]], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        question(name).read(given)
    assert words in str(caught.value)


@pytest.mark.parametrize(("name", "words"), [("usages", "Did you mean 'usage'"), ("zzz", "usage, calls, invoice")])
def test_an_unknown_question_names_the_one_like_it_or_all(name: str, words: str) -> None:
    with pytest.raises(NotFoundError, match=words):
        question(name)


def test_the_table_is_whole() -> None:
    for name, asked in QUESTIONS.items():
        names = [param.name for param in asked.params]
        assert len(set(names)) == len(names), name
        assert set(asked.one_of) <= set(names), name
        assert asked.example.startswith("tollspan "), name
        for param in asked.params:
            assert (param.kind == "enum") == bool(param.choices), (name, param.name)
            if param.default is not None:
                needed = {one.name: ["x"] for one in asked.params if one.required and one.kind == "str"}
                assert asked.read({**needed, **{one: ["x"] for one in asked.one_of[:1]}, param.name: [param.default]})
