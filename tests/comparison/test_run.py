"""A run of some cases, with this very environment in place of an isolated one."""

from __future__ import annotations

import sys

import pytest
from comparison.cases import all_cases
from comparison.cases_report import Verdict, is_right, lines, verdict
from comparison.instrumentation import INSTRUMENTATIONS
from comparison.run import CaseRun
from conformance.environment import Environment, InstallError

from comparison import page, recording
from comparison import run as run_module

TOLLSPAN = INSTRUMENTATIONS[0]
ONLY = "openai-chat.sync,openai-chat.stream-abort-close,anthropic.count-tokens"


def test_cases_run_below_an_instrumentation_and_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "prepare", lambda _stack: Environment((sys.executable, ""), {"tollspan": "0"}))
    steps: list[tuple[str, str]] = []
    found = run_module.run(TOLLSPAN, all_cases(), lambda name, doing: steps.append((name, doing)), only=ONLY)
    assert found.failure == ""
    assert {case.case.slug: verdict(case) for case in found.cases} == {
        "openai-chat.sync": (Verdict.EXACT, ""),
        "openai-chat.stream-abort-close": (Verdict.ESTIMATED, ""),
        "anthropic.count-tokens": (Verdict.FREE, ""),
    }
    assert ("tollspan", "openai-chat.sync") in steps
    assert [*lines(found.cases)][-1].startswith("3 cases: 1 exact, 1 estimated, 0 unmeasured, 1 free, 0 wrong")
    assert "| OpenAI chat: sync | ok |" in [*page.columns([found])]
    assert recording.GRADED & {name for case in found.cases for span in case.spans for name in span}


def test_what_does_not_install_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_stack: object) -> Environment:
        raise InstallError("no such release")

    monkeypatch.setattr(run_module, "prepare", refuse)
    found = run_module.run(TOLLSPAN, all_cases(), lambda *_about: None)
    assert (found.failure, found.cases) == ("does not install: no such release", [])


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("raised AttributeError: \"'OpenAI' object has no attribute 'responses'\"", Verdict.ABSENT),
        ("raised TypeError: \"create() got an unexpected keyword argument 'stream'\"", Verdict.ABSENT),
        ("raised AttributeError: \"'NoneType' object has no attribute 'send'\"", Verdict.MISSING),
        ("raised ConnectionError: 'no way'", Verdict.MISSING),
    ],
)
def test_what_an_sdk_does_not_have_is_absent_and_all_else_is_missing(said: str, wanted: Verdict) -> None:
    run = CaseRun(all_cases()[0], said, (), ())
    assert verdict(run)[0] is wanted
    assert is_right([run]) == (wanted is Verdict.ABSENT)
