"""Which rows a page asks for: all of them, whatever a question's own limit is."""

from __future__ import annotations

import pytest

from tollspan_rater.api.page import page_of
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.questions import QUESTIONS, question

LIMITED = [
    name
    for name, asked in QUESTIONS.items()
    if {"limit", "as_of"} <= {param.name for param in asked.params} and name != "calls"
]


def test_quarantine_has_pages() -> None:
    assert "quarantine.list" in LIMITED


@pytest.mark.parametrize("name", LIMITED)
def test_pages_go_on_behind_the_limit_that_a_list_has_without_pages(name: str) -> None:
    asked = question(name)
    page = page_of(asked, {"page_size": ["50"]})
    assert page is not None
    assert int(asked.read(page.given)["limit"]) > 100_000_000
    assert asked.read({})["limit"] == "100"


def test_a_limit_that_is_asked_for_holds_for_all_pages() -> None:
    page = page_of(question("quarantine.list"), {"page_size": ["50"], "limit": ["70"]})
    assert page is not None
    assert page.given["limit"] == ["70"]


def test_a_list_as_long_as_its_limit_goes_on_behind_it() -> None:
    asked = question("quarantine.list")
    for count, follows in ((1, False), (2, True)):
        page = page_of(asked, {"limit": ["2"]})
        assert page is not None
        part, cursor = page.cut(listed(count))
        assert (len(part.rows), cursor is not None) == (count, follows)
    second = page_of(asked, {"limit": ["2"], "cursor": [str(cursor)]})
    assert second is not None
    assert (second.given["as_of"], second.size, second.after) == (["7"], 2, 2)
    assert int(second.given["limit"][0]) > 100_000_000
    assert second.cut(listed(3))[0].rows == [{"id": 2}]


def listed(count: int) -> Answer:
    return Answer("A list", ("id",), [{"id": place} for place in range(count)], as_of=7, zone="UTC")
