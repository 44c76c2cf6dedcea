"""The OpenAPI description: all that there is, and nothing else; random requests by it are answered as it says."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

import jsonschema
import pytest
from starlette.testclient import TestClient
from tests.api.fuzz import arrived, fuzz
from tests.api.market import Market, market

from tollspan_rater.api.docs_page import docs_page
from tollspan_rater.api.openapi import ALIASES, description, schema_of
from tollspan_rater.query.commands import COMMANDS
from tollspan_rater.query.question import Param
from tollspan_rater.query.questions import QUESTIONS


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    with market(tmp_path_factory.mktemp("market")) as made:
        yield made


def test_random_requests_are_answered_as_described(shop: Market) -> None:
    assert fuzz(shop, 300).total() >= 300


@pytest.mark.parametrize(
    ("query", "address", "whole"),
    [
        ({}, "http://here/v1/usage", True),
        ({"top": "x"}, "http://here/v1/usage?top=x", True),
        ({"top": ""}, "http://here/v1/usage?top=", True),
        ({"top": "5", "0": []}, "http://here/v1/usage?top=5", False),
    ],
)
def test_a_wrong_parameter_counts_only_where_it_arrives(query: dict[str, object], address: str, *, whole: bool) -> None:
    assert arrived(query, address) is whole


def test_every_question_and_command_is_described() -> None:
    paths = description()["paths"]
    named = {f"/v1/{name}" for name in (*QUESTIONS, *ALIASES)} | {f"/v1/commands/{kind}" for kind in COMMANDS}
    of_customers = {f"/v1/customers/{{customer}}/{name}" for name in ("usage", "calls", "invoice", "allowance")}
    assert named | of_customers <= paths.keys()
    rest = {path for path in paths if path not in named and not path.startswith("/v1/customers/")}
    assert rest == {"/v1/import", "/metrics", "/healthz", "/openapi.json", "/docs"}


def test_every_parameter_is_described() -> None:
    for name, question in QUESTIONS.items():
        operations = description()["paths"][f"/v1/{name}"]
        said = {one["name"] for one in operations["get"]["parameters"] if one["in"] == "query"}
        paging = {"page_size", "cursor"} if any(param.name == "as_of" for param in question.params) else set()
        assert said == {param.name for param in question.params} | paging
        body = operations["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert body["properties"].keys() == said


def test_operations_have_names_of_their_own() -> None:
    operations = [one for methods in description()["paths"].values() for one in methods.values()]
    names = [one["operationId"] for one in operations]
    assert len(set(names)) == len(names)
    assert all(one["summary"] for one in operations)


@pytest.mark.parametrize(
    ("param", "good", "bad"),
    [
        (Param("p", "", "int"), [0, 7], [-1, "7", 10**9]),
        (Param("p", "", "date"), ["2026-11-01", "2026-11-01T12:00:00Z", "2026-11-01T12:00+05:30"], ["2026-13-01", "x"]),
        (Param("p", "", "moment"), ["now", "17", "2026-11-01"], ["yesterday", ""]),
        (Param("p", "", "period"), ["2026-11", "2026-W47", "2026-Q4"], ["2026-99", "nov"]),
        (Param("p", "", "enum", choices=("a", "tags.NAME")), ["a", "tags.team"], ["b", "tags.", "tags.NAME,"]),
        (Param("p", "", "enum", choices=("a",), repeat=True), [["a"], []], ["a", ["b"]]),
        (Param("p", ""), ["x"], ["", 5]),
    ],
)
def test_a_schema_takes_what_the_table_takes(param: Param, good: list[object], bad: list[object]) -> None:
    checker = jsonschema.Draft202012Validator(schema_of(param))
    assert [value for value in good if not checker.is_valid(value)] == []
    assert [value for value in bad if checker.is_valid(value)] == []


def test_the_description_needs_no_key(http: TestClient) -> None:
    assert http.get("/openapi.json").json() == description()


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]


def test_the_docs_are_a_page_without_scripts(http: TestClient) -> None:
    answer = http.get("/docs")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    page = _Page(answer.text)
    assert "script" not in page.tags
    assert page.links == ["openapi.json"]
    assert answer.text.count("<details>") == sum(len(methods) for methods in description()["paths"].values())
    for name in (*QUESTIONS, *COMMANDS):
        assert name in answer.text


def test_the_docs_show_all_text_as_text() -> None:
    said = {**description(), "info": {"title": "<b>", "version": "&", "description": "<script>"}}
    assert "<script>" not in docs_page(said)
    assert "&lt;b&gt;" in docs_page(said)
