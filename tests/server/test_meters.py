"""Span rules of the configuration, and what is said of those in force."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server.conftest import Bench
from tollspan_rater.errors import NotFoundError, UsageError
from tollspan_rater.server.meters import apply_file

ONE = "rules: [{rule: pages, meter: page, when: {attributes: {a: {at_least: 2}}}, quantity: {attribute: n}}]"
TWO = "built_in: [rerank]\nrules: [{rule: runs, meter: run, when: {name: [x, y], resource: {z: {present: no}}}}]"


def test_a_file_is_applied_when_its_rules_are_not_in_force(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "meters.yaml"
    for text, versions in ((ONE, 1), ("# the same\n" + ONE, 1), (TWO, 2), (ONE, 3)):
        path.write_text(text)
        apply_file(bench.rater, path, "default", "serve")
        assert len(bench.ask("meters.show", versions="true").rows) == versions
    assert len({row["version"] for row in bench.ask("meters.show", versions="true").rows}) == 2


def test_rules_are_shown_in_words(bench: Bench, tmp_path: Path) -> None:
    assert bench.ask("meters.show").notes == ("no span rules are in force: tollspan meters apply FILE",)
    applied = [bench.execute("meters.apply", file=text).body for text in (ONE, TWO)]
    assert [one["rules"] for one in applied] == [1, 4]
    rows = bench.ask("meters.show").rows
    assert rows[0] == {
        "rule": "runs", "meter": "run", "form": "beside", "quantity": "1", "billed_elsewhere": None,
        "when": "name is x or y, resource z absent",
    }  # fmt: skip
    assert [row["meter"] for row in rows[1:]] == ["rerank"] * 3
    (first,) = bench.ask("meters.show", version=applied[0]["version"]).rows
    assert (first["quantity"], first["when"]) == ("n", "a at least 2")
    with pytest.raises(NotFoundError, match="meters show --versions"):
        bench.ask("meters.show", version="mr_0")


def test_what_cannot_be_used_is_not_journaled(bench: Bench, tmp_path: Path) -> None:
    before = bench.rater.journal.last_position
    with pytest.raises(UsageError, match=r"meters\.yaml:1: output is counted from the usage of calls"):
        bench.execute("meters.apply", file="rules: [{rule: a, meter: output, when: {name: x}}]")
    with pytest.raises(UsageError, match="cannot be read"):
        apply_file(bench.rater, tmp_path / "absent.yaml", "default", "serve")
    assert bench.rater.journal.last_position == before
