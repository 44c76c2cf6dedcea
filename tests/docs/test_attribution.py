"""The matrix of where attribution reaches says what is tested, cell by cell, and nothing else."""

from __future__ import annotations

import pytest
from tests.docs.pages import page
from tests.instrumentation import test_threads as process
from tests.instrumentation import test_web as web

PAGE = "docs/concepts/attribution.md"
HOW = {
    "by itself": process.ALWAYS,
    "while tollspan is installed": process.WITH_TOLLSPAN,
    "when asked": process.WHEN_ASKED,
    "with a carrier": process.WITH_A_CARRIER,
}
COLUMNS = {
    **dict.fromkeys(web.ASGI, web.CELLS),
    "WSGI": web.WSGI_CELLS,
    "Flask": web.FLASK_CELLS,
    "Django, WSGI": web.DJANGO_CELLS,
    "Django, ASGI": web.DJANGO_CELLS,
}


def rows(title: str) -> list[list[str]]:
    """The table below a heading, its head first."""
    part = page(PAGE).partition(f"## {title}\n")[2].partition("\n## ")[0]
    lines = [line.strip("|") for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.split("|")] for line in lines if not line.startswith("--")]


def test_in_one_process() -> None:
    assert rows("In one process")[1:] == [[words, how] for how, cells in HOW.items() for words in cells]


@pytest.mark.parametrize("column", COLUMNS)
def test_in_a_web_request(column: str) -> None:
    head, *body = rows("In a web request")
    assert head[1:] == list(COLUMNS)
    at = head.index(column)
    assert [row[0] for row in body if row[at]] == [row[0] for row in body if row[0] in COLUMNS[column]]
    assert set(COLUMNS[column]) <= {row[0] for row in body}
    assert {row[at] for row in body} <= {"yes", ""}
