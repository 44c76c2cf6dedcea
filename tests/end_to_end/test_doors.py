"""Every question gives the same text whether a server runs on the folder or the command opens it itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.collector.process import REPOSITORY
from tests.end_to_end.process import RaterProcess, run, serving, TOLLSPAN

from tollspan_rater.cli.main import main
from tollspan_rater.query.questions import QUESTIONS

DIALECTS = sorted((REPOSITORY / "tests" / "data" / "dialects").glob("*.otlp.jsonl"))
FUTURE = '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"%s","spanId":"%s","name":"x",\
"startTimeUnixNano":"4000000000000000000","endTimeUnixNano":"4000000000000000001"}]}]}]}' % ("1" * 32, "2" * 16)

# One command line or more for every question; {call} and {trace} are of the folder.
LINES = {
    "usage": ["usage", "usage --by model,day --sort cost --top 5"],
    "calls": ["calls", "calls --model gpt-4o-2024-08-06 --limit 3"],
    "invoice": ["invoice --all", "invoice acme"],
    "margin": ["margin --by model"],
    "explain": ["explain {call}", "explain {trace}", "explain " + "0" * 32],
    "lines": [],  # asked by `export`, which is compared by its files
    "audit": ["audit", "audit --full", "audit --sender nobody"],
    "pricing.show": ["pricing show"],
    "quarantine.list": ["quarantine list", "quarantine list --reason future"],
    "quarantine.show": ["quarantine show 1:0"],
    "customers.list": ["customers list"],
    "keys.list": ["keys list"],
    "config.show": ["config show"],
}
CASES = [line for lines in LINES.values() for line in lines]


def test_every_question_is_asked() -> None:
    assert LINES.keys() == QUESTIONS.keys()


class Commands:
    """Runs command lines on one folder, in this process."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def __call__(self, line: str, form: str = "table") -> tuple[int, str]:
        words = ["--data", str(self.data), "--format", form, *line.split()]
        result = CliRunner().invoke(main, words, catch_exceptions=False)
        return result.exit_code, result.stdout


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    """A folder with spans of many dialects, a piece in quarantine, prices, customers and a revoked key."""
    folder = tmp_path_factory.mktemp("doors")
    made = Commands(folder / "data")
    future = folder / "future.jsonl"
    future.write_text(FUTURE)
    for line in (
        f"import {future} {' '.join(map(str, DIALECTS))}",
        f"pricing apply {REPOSITORY / 'examples' / 'pricing'}",
        "customers set acme --plan starter --name Acme --zone Europe/Berlin",
        "keys create --scope query",
    ):
        code, said = made(line)
        assert code == 0, said
    return made


@pytest.fixture(scope="module")
def alone(commands: Commands) -> dict[tuple[str, str], tuple[int, str]]:
    """What every command line gives without a server, before one is started."""
    return {(line, form): commands(_filled(line), form) for line in CASES for form in ("table", "json")}


@pytest.fixture(scope="module")
def served(commands: Commands, alone: object) -> Iterator[RaterProcess]:
    with serving(RaterProcess(commands.data)) as rater:
        yield rater


def _filled(line: str) -> str:
    return line.format(call="c_43b0a0940b15a2a6bb3a75c9", trace="113d2f50c8faac43ada2991586a2ea6f")
