"""Whatever is wrong in a pricing folder is found with file, line and what to do, and nothing of it is used."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
from tests.docs.pages import blocks
from tests.pricing.malformed_cases import FOLDER, NAME, Case, as_editors_read, cases

from tollspan_rater.errors import PricingError
from tollspan_rater.pricing.book import check, load
from tollspan_rater.pricing.schema import json_schema

CASES = dict(cases())
AT_LEAST = 40
SCHEMA = json_schema()
ROOT = Path(__file__).parents[2]
SOUND_FILES = {
    **{str(path.relative_to(ROOT)): path.read_text() for path in sorted((ROOT / "examples/pricing").rglob("*.yaml"))},
    **{
        f"{page.name}, block {number}": block.text
        for page in sorted((ROOT / "docs/concepts").glob("*.md"))
        for number, block in enumerate(blocks(page.read_text(encoding="utf-8")), 1)
        if block.language == "yaml" and block.text.startswith(("card:", "plan:", "addon:", "terms:"))
    },
}
SOUND = "card: c\ncurrency: USD\nprices:\n  - {tokens: 1}\n"


def test_there_are_many_and_every_file_holds_some() -> None:
    assert len(CASES) >= AT_LEAST
    assert {name.partition(":")[0] for name in CASES} == {path.stem for path in FOLDER.glob("*.txt")}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_exactly_the_marked_lines_are_found_with_their_remedy(case: Case) -> None:
    found = [one for one in check(case.files) if one.path == NAME]
    assert {one.line for one in found if one.severity == "error"} == {
        one.line for one in case.expected if one.severity == "error"
    }
    for wanted in case.expected:
        assert [
            str(one)
            for one in found
            if (one.line, one.severity) == (wanted.line, wanted.severity)
            and wanted.problem in one.problem
            and wanted.remedy in one.remedy
        ], list(map(str, found))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_folder_with_an_error_is_not_loaded_by_half(case: Case) -> None:
    if any(one.severity == "error" for one in case.expected):
        with pytest.raises(PricingError, match=rf"{NAME}:\d+: "):
            load(case.files)
    else:
        assert load(case.files).warnings


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_schema_refuses_what_it_can_see_and_nothing_more(case: Case) -> None:
    try:
        read = as_editors_read(case.text)
    except PricingError:
        assert not case.seen_by_the_schema
        return
    validator = jsonschema.Draft202012Validator(SCHEMA)
    assert any(not validator.is_valid(document) for document in read) == case.seen_by_the_schema


@pytest.mark.parametrize("text", SOUND_FILES.values(), ids=SOUND_FILES.keys())
def test_the_schema_takes_every_sound_file_as_editors_read_it(text: str) -> None:
    for document in as_editors_read(text):
        jsonschema.Draft202012Validator(SCHEMA).validate(document)


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("card: c\x00\n", 1, "control character"),
        ("card: c\ntitle: \x07\n", 2, "control character"),
        ("card: c\ntitle: \ufffd\n", 2, "not UTF-8"),
        ("a: " + "[" * 40 + "]" * 40, 1, "nested deeper"),
        ("a: " + "{a: " * 400 + "}" * 400, 1, "nested deeper"),
        ("\n".join("- " * depth + "x" for depth in (1, 30)), 2, "nested deeper"),
        ("card: c\n" * 200_000, 1, "more than 1,000,000 characters"),
        ("card: c\r\ncurrency: USD\r\nprices:\r\n  - {input: x}\r\n", 4, "no number"),
        ("\ufeffcard: c\ncurrency: USD\nprices:\n  - {input: x}\n", 4, "no number"),
        ("---\n---\ncard: c\ncurrency: USD\n...\n", 3, "no prices"),
    ],
    ids=["NUL", "BEL", "no UTF-8", "brackets", "braces", "dashes", "huge", "CRLF", "BOM", "empty documents"],
)
def test_what_a_text_file_cannot_show(text: str, line: int, problem: str) -> None:
    found = [one for one in check({NAME: text}) if problem in one.problem]
    assert [(one.path, one.line, one.severity) for one in found] == [(NAME, line, "error")]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + SOUND,
        SOUND.replace("\n", "\r\n"),
        SOUND.rstrip("\n"),
        f"---\n{SOUND}...\n---\n# nothing\n",
        "# a comment\n\n" + SOUND,
        SOUND.replace("{tokens: 1}", "{'tokens': '1'}"),
    ],
    ids=["BOM", "CRLF", "no last line end", "empty document", "comment", "quoted"],
)
def test_what_editors_leave_in_files_does_not_matter(text: str) -> None:
    assert load({NAME: text}).version == load({NAME: SOUND}).version


@pytest.mark.parametrize("name", ["no", "on", "null", "0123", "1.0", "2026-11-21", "1e6"])
def test_a_name_that_looks_like_another_type_stays_a_name(name: str) -> None:
    text = SOUND.replace("card: c", f"card: {name}") + f"---\nplan: {name}\ncurrency: USD\ncards: [{name}]\n"
    book = load({NAME: text})
    assert (list(book.cards), list(book.plans)) == ([name], [name])


def test_all_findings_come_at_once_and_by_line() -> None:
    card = "card: c\ncurrency: USD\nprices:\n  - {inptu: 1, input: x}\n"
    found = check({"b.yaml": card, "a.yaml": "plan: p\n"})
    errors = [(finding.path, finding.line) for finding in found if finding.severity == "error"]
    assert errors == [("a.yaml", 1), ("a.yaml", 1), ("b.yaml", 4), ("b.yaml", 4)]


def test_a_card_that_no_plan_uses_is_a_warning() -> None:
    book = load({"c.yaml": SOUND, "d.yaml": SOUND.replace("card: c", "card: d"),
                 "p.yaml": "plan: p\ncurrency: USD\ncards: [c]\n"})  # fmt: skip
    assert [(one.severity, one.problem) for one in book.warnings] == [("warning", "no plan uses card d")]
