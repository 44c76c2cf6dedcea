"""What ``tollspan correct`` says to the rater, and how it shows what came of it."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Run
from tests.fake_rater import FakeBackend, FakeRater

from tollspan_rater.query.rater import Receipt

CR = "cr_" + "0" * 24
SAID = {
    "correction": CR, "booked": True, "calls_corrected": 2, "calls_unchanged": 1, "calls_changed": 2,
    "differences": [{"customer": "acme", "meter": "input", "calls": 2, "was": Decimal(5), "is": None,
                     "difference": Decimal(-5)}],
    "sums": {},
}  # fmt: skip


@pytest.fixture(autouse=True)
def _answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def execute(rater: FakeRater, kind: str, body: dict[str, Any], *, tenant: str, actor: str) -> Receipt:
        rater.executed.append((kind, dict(body), tenant, actor))
        return Receipt(42, {**SAID, "booked": not body.get("dry_run")})

    monkeypatch.setattr(FakeRater, "execute", execute)


LINES = [
    ("void c_1 c_2 --note dup", "call.void", {"calls": ["c_1", "c_2"], "note": "dup"}),
    (
        "void --where customer=acme --where feature=chat --from 2026-11-01 --to 2026-12-01 --note x --key k --dry-run",
        "call.void",
        {
            "filters": {"customer": "acme", "feature": "chat"}, "from": "2026-11-01", "to": "2026-12-01", "note": "x",
            "key": "k", "dry_run": True,
        },
    ),
    (
        "amend c_1 --set input=7 --set model=gpt-9 --set cache_read= --note x",
        "call.amend",
        {"calls": ["c_1"], "set": {"input": "7", "model": "gpt-9", "cache_read": ""}, "note": "x"},
    ),
    (
        "reattribute --unattributed --set customer=zed --set tags.team=a=b --note x",
        "call.reattribute",
        {"unattributed": True, "set": {"customer": "zed", "tags.team": "a=b"}, "note": "x"},
    ),
    ("restore c_1 --note x", "call.restore", {"calls": ["c_1"], "note": "x"}),
    (f"restore --correction {CR} --note x --key k", "call.restore", {"correction": CR, "note": "x", "key": "k"}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "kind", "body"), LINES)
def test_sends(run: Run, backend: FakeBackend, line: str, kind: str, body: dict[str, Any]) -> None:
    result = run("correct", *line.split())
    assert result.exit_code == 0, result.output
    assert [(one[0], one[1]) for one in backend.rater.executed] == [(kind, body)]


FILES = [
    ("calls.csv", "call_id\nc_1\nc_2\n", "void", {"calls": ["c_1", "c_2"]}),
    ("each.csv", "call_id,input,model\nc_1,7,\nc_2,,gpt-9\n", "amend",
     {"each": [{"call": "c_1", "set": {"input": "7"}}, {"call": "c_2", "set": {"model": "gpt-9"}}]}),
    ("each.jsonl", '{"call_id": "c_1", "web_search": 2.5, "input": 3}\n', "amend",
     {"each": [{"call": "c_1", "set": {"web_search": "2.5", "input": 3}}]}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "command", "body"), FILES, ids=[name for name, *_ in FILES])
def test_calls_in_a_file(
    run: Run, backend: FakeBackend, tmp_path: Path, name: str, text: str, command: str, body: dict[str, Any]
) -> None:
    (tmp_path / name).write_text(text)
    result = run("correct", command, "--file", name, "--note", "x")
    assert result.exit_code == 0, result.output
    assert backend.rater.executed[0][1] == {**body, "note": "x"}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("void --note x", "name calls by id, or by filters and a span of time"),
        ("void c_1", "Missing option '--note'"),
        ("amend c_1 --note x", "say what to set"),
        ("amend c_1 --set input --note x", "'input' says no value: write NAME=VALUE"),
        ("void --file calls.csv --note x", "calls.csv:2: this row has no call_id"),
        ("restore --note x", "name a correction, or calls"),
    ],
)
def test_refuses(run: Run, backend: FakeBackend, tmp_path: Path, line: str, complaint: str) -> None:
    (tmp_path / "calls.csv").write_text("id\nc_1\n")
    result = run("correct", *line.split())
    assert result.exit_code == 2
    assert complaint in result.output
    assert backend.rater.executed == []


def test_shows_the_differences(run: Run) -> None:
    result = run("correct", "void", "c_1", "--note", "x")
    assert f"Correction {CR}" in result.output
    assert "calls corrected: 2; already so: 1" in result.output
    tried = run("correct", "void", "c_1", "--note", "x", "--dry-run")
    assert "What the correction would change" in tried.output
    assert "nothing was booked; without --dry-run it is" in tried.output
    machine = run("correct", "void", "c_1", "--note", "x", "--format", "json")
    assert json.loads(machine.stdout) == [
        {"customer": "acme", "meter": "input", "calls": 2, "was": "5", "is": None, "difference": "-5"}
    ]
