"""What the commands on rate cards and plans say to the rater, and when they ask first."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.fake_rater import FakeBackend

from tollspan_rater.query.answer import Answer

FILES = {"cards.yaml": "a: 1\n", "plans/pro.yml": "b: 2\n"}
NOTHING = Answer("What would change", ("part",), [], 7, notes=("nothing was written",))
PRICES = replace(NOTHING, columns=("part", "document", "name", "change", "was", "is"), ok=False, rows=[
    {"part": "price", "document": "card c", "name": "price input:*/*", "change": "changed", "was": "1", "is": "2"},
])  # fmt: skip
BILLS = replace(PRICES, columns=(*PRICES.columns, "customer", "period", "difference", "currency"), rows=[
    *PRICES.rows,
    {"part": "bill", "customer": "acme", "period": "2026-11", "change": "pays more",
     "was": Decimal("1.00"), "is": Decimal("2.00"), "difference": Decimal("1.00"), "currency": "USD"},
])  # fmt: skip


def versions(*names: str) -> Answer:
    return Answer("Price versions", ("version",), [{"version": name} for name in names], 7, "UTC",
                  details={"today": "2026-11-21"})  # fmt: skip


@pytest.fixture(autouse=True)
def _folder() -> None:
    for name, text in {**FILES, "notes.txt": "no"}.items():
        Path("p", name).parent.mkdir(parents=True, exist_ok=True)
        Path("p", name).write_text(text, encoding="utf-8")


def test_a_check_needs_no_data_folder(run: Run, backend: FakeBackend) -> None:
    assert run("pricing", "check", "p").exit_code == 0
    assert (backend.checked, backend.opened) == ([FILES], [])


def test_the_schema_needs_no_data_folder(run: Run, backend: FakeBackend) -> None:
    printed = json.loads(run("pricing", "schema").stdout)
    assert (printed["$schema"], backend.opened) == ("https://json-schema.org/draft/2020-12/schema", [])


def test_a_diff_sends_texts_not_paths_and_ends_with_1(run: Run, backend: FakeBackend) -> None:
    backend.rater.answers["pricing.diff"] = BILLS
    result = run("pricing", "diff", "p", "--from", "2026-11-01", "--period", "2026-10", "--top", "3")
    asked = {"files": json.dumps(FILES), "from": "2026-11-01", "period": "2026-10", "top": "3"}
    assert backend.rater.asked == [("pricing.diff", asked, "default")]
    assert result.exit_code == 1
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert [line for line in lines if line in {"Prices", "Bills", "Lines that cause it"}] == ["Prices", "Bills"]
    assert result.stdout.splitlines()[-1] == "nothing was written"


def test_a_diff_is_one_list_for_machines(run: Run, backend: FakeBackend) -> None:
    backend.rater.answers["pricing.diff"] = BILLS
    rows = json.loads(run("pricing", "diff", "p", "--format", "json").stdout)
    assert [(row["part"], row["was"], row["difference"]) for row in rows] == [
        ("price", "1", None), ("bill", "1.00", "1.00")
    ]  # fmt: skip


def test_no_difference_ends_with_0(run: Run, backend: FakeBackend) -> None:
    backend.rater.answers["pricing.diff"] = NOTHING
    assert run("pricing", "diff", "p").exit_code == 0


@pytest.mark.parametrize(
    ("applied", "arguments", "since", "asks"),
    [
        ((), (), None, False),  # the first version holds since ever
        (("pv_1",), (), "2026-11-21", True),  # a later one from today on
        (("pv_1",), ("--from", "2026-10-01"), "2026-10-01", True),
        (("pv_1",), ("--from", "2026-12-01"), "2026-12-01", False),
        (("pv_1",), ("--from", "2026-10-01", "--yes"), "2026-10-01", False),
    ],
)
def test_apply_asks_about_days_that_have_begun(
    run: Run, backend: FakeBackend, applied: tuple[str, ...], arguments: tuple[str, ...], since: str | None, asks: bool
) -> None:
    backend.rater.answers |= {"pricing.show": versions(*applied), "pricing.diff": PRICES}
    assert run("pricing", "apply", "p", "--note", "n", *arguments).exit_code == 0
    ((kind, body, _, _),) = backend.rater.executed
    day = {} if since is None else {"valid_from": since}
    assert (kind, body) == ("pricing.apply", {"files": FILES, "note": "n", **day})
    assert ("pricing.diff" in [question for question, _, _ in backend.rater.asked]) == asks


@pytest.mark.parametrize(("answer", "code", "sent"), [("n\n", 1, 0), ("", 1, 0), ("y\n", 0, 1)])
def test_apply_shows_changed_bills_before_it_changes_them(
    run: Run, backend: FakeBackend, answer: str, code: int, sent: int
) -> None:
    backend.rater.answers |= {"pricing.show": versions("pv_1"), "pricing.diff": BILLS}
    result = run("pricing", "apply", "p", "--from", "2026-11-01", "--format", "json", stdin=answer)
    assert (result.exit_code, len(backend.rater.executed)) == (code, sent)
    assert "acme" in result.stderr
    assert result.stdout == "" or json.loads(result.stdout)


def test_a_file_that_cannot_be_read_is_named(run: Run, backend: FakeBackend) -> None:
    Path("p/broken.yaml").symlink_to("broken.yaml")
    assert run("pricing", "check", "p").exit_code == 0  # a link to nowhere is no file
    Path("empty").mkdir()
    result = run("pricing", "check", "empty")
    assert (result.exit_code, backend.checked) == (2, [FILES])
    assert "tollspan init" in result.stderr


def test_bytes_that_are_no_utf8_reach_the_check_as_such(run: Run, backend: FakeBackend) -> None:
    Path("p/a.yaml").write_bytes(b"card: c\nname: \xe4")
    assert run("pricing", "check", "p").exit_code == 0
    assert backend.checked[0]["a.yaml"] == "card: c\nname: \ufffd"
