"""What a newcomer types first works in an empty folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tollspan_rater.cli.main import main

ROOT = Path(__file__).parents[2]


def test_init_check_and_apply_in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def tollspan(line: str) -> str:
        result = CliRunner().invoke(main, line.split())
        assert result.exit_code == 0, result.output
        return result.stdout

    assert "written pricing/plans/plans.yaml" in tollspan("init")
    assert json.loads((tmp_path / "tollspan.schema.json").read_text())["title"] == "Config"
    found = json.loads(tollspan("pricing check pricing --format json"))
    assert {finding["severity"] for finding in found} <= {"warning"}
    applied = json.loads(tollspan("pricing apply pricing --format json"))
    (version,) = json.loads(tollspan("pricing show --format json"))
    assert applied[0]["version"] == version["version"]
    assert "kept    pricing/plans/plans.yaml" in tollspan("init")


def test_the_examples_of_the_repository_are_those_of_the_package() -> None:
    assert (ROOT / "examples/pricing").resolve() == ROOT / "rater/src/tollspan_rater/pricing/examples"
