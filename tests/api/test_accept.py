"""What an Accept header wishes most."""

from __future__ import annotations

import pytest

from tollspan_rater.api.accept import wished

JSON, CSV, LINES, HTML = "application/json", "text/csv", "application/jsonl", "text/html"


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("text/csv", CSV),
        ("TEXT/CSV; charset=utf-8", CSV),
        ("application/jsonl", LINES),
        ("application/json, text/csv;q=0.1", JSON),
        ("text/csv;q=0.1, application/json", JSON),
        ("text/csv;q=0.5, application/jsonl;q=0.8, */*;q=0.1", LINES),
        ("text/csv, */*", CSV),
        ("*/*, text/csv", CSV),
        ("application/jsonl, text/csv", LINES),
        ("text/*", CSV),
        ("application/*", JSON),
        ("application/json, text/plain, */*", JSON),
        ("application/json;q=0, */*", CSV),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", HTML),
        ("application/xml", JSON),
        ("text/csv;q=0", JSON),
        ("text/csv;q=x", CSV),
        (", ,", JSON),
    ],
)
def test_the_form_that_is_wished_most(accept: str, media: str) -> None:
    assert wished(accept, (JSON, CSV, LINES, HTML)) == media


def test_a_page_is_not_sent_where_none_is_offered() -> None:
    assert wished("text/html,application/xhtml+xml,*/*;q=0.8", (JSON, CSV, LINES)) == JSON
