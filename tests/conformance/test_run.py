"""A whole run, with this very environment in place of an isolated one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from conformance.compare import Verdict
from conformance.environment import Environment, InstallError
from conformance.stack import STACKS, Stack, bare

from conformance import environment, recording, replay, report
from conformance import run as run_module

OWN = next(stack for stack in STACKS if stack.name == "tollspan")
CASES = "openai_chat_cached,openai_chat_stream_aborted"


def here(stack: Stack) -> Environment:
    if stack is not OWN:
        raise InstallError("no such release")
    return Environment((sys.executable, str(environment.SCRIPTS / stack.script)), {"tollspan": "0"})


def test_cases_run_and_are_recorded_and_read_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(run_module, "prepare", here)
    steps: list[tuple[str, str]] = []
    stacks = [Stack("openlit", ("openlit",), "with_openlit.py"), OWN]
    missing, ran = run_module.run(stacks, tmp_path, CASES, lambda stack, doing: steps.append((stack, doing)))
    assert missing.failure == "does not install: no such release"
    assert ran.failure == ""
    assert {case.case: case.comparison.verdict for case in ran.cases} == {
        "openai_chat_cached": Verdict.EXACT,
        "openai_chat_stream_aborted": Verdict.MARKED,
    }
    assert ("tollspan", "openai_chat_cached") in steps
    assert ran.leaks == set()

    recording.write([missing, ran], tmp_path / "kept")
    [again] = replay.replayed(recording.read(tmp_path / "kept"))
    assert [case.comparison for case in again.cases] == [case.comparison for case in ran.cases]
    assert [case.attribute_sums for case in again.cases] == [case.attribute_sums for case in ran.cases]
    lines = list(report.stacks([missing, ran]))
    assert "does not install: no such release" in lines[2]
    assert lines[3].startswith("| tollspan | tollspan 0 | 2 | 1 | 1 |")


@pytest.mark.parametrize(
    ("package", "name"), [("ai@5", "ai"), ("@ai-sdk/otel", "@ai-sdk/otel"), ("@a/b@2", "@a/b"), ("x[extra]", "x")]
)
def test_a_package_without_extras_and_versions(package: str, name: str) -> None:
    assert bare(package) == name


def test_every_stack_has_its_script() -> None:
    assert [stack.name for stack in STACKS if not (environment.SCRIPTS / stack.script).exists()] == []
