"""Every test runs in an empty folder without tollspan's variables, before a rater that notes what it is told."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.fake_rater import FakeBackend

from tollspan_rater.cli.main import main

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("TOLLSPAN_") or name == "NO_COLOR":
            monkeypatch.delenv(name)


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def run(backend: FakeBackend) -> Run:
    def invoke(*argv: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(main, list(argv), obj=backend, input=stdin)

    return invoke
