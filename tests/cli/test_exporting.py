"""What `export plan`, `run` and `retry` send, and what they say of what came back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.cli.conftest import Run
from tests.fake_rater import FakeBackend

from tollspan_rater.query.rater import Receipt

STANDING = {"accepted": 3, "rejected": 0, "superseded": 0, "waiting": 0, "sent": 0, "held": 0}
PLANNED = {
    "planned": 2, "superseded": 1, "rejected": 0, "unattributed_calls": 4,
    "carried": [{"customer": "acme", "meter": "input", "value": "-5"}],
    "kept_back": [{"what": "customer", "name": "globex", "why": "no customer: ...", "drafts": 7, "on_purpose": False}],
}  # fmt: skip
ELEMENT = {
    "item_id": "li_1",
    "draft": {"customer": "acme", "service": {"label": "2026-11-30"}, "meter": "input", "quantity": "7",
              "amount": None, "currency": None},
    "element": {"event_name": "tokens", "value": "7"},
}  # fmt: skip
DONE = {"requests": 1, "accepted": 1, "rejected": 0, "later": 0, "to_plan": 0, "next_ns": None, "halted": "", "why": ""}


class Answers:
    """Answers commands one after the other, and remembers what was sent."""

    def __init__(self, *bodies: Mapping[str, Any]) -> None:
        self.bodies, self.sent = list(bodies), list[tuple[str, dict[str, Any]]]()

    def execute(self, kind: str, body: Mapping[str, Any], **_who: str) -> Receipt:
        self.sent.append((kind, dict(body)))
        return Receipt(42, self.bodies.pop(0))


def answering(backend: FakeBackend, monkeypatch: pytest.MonkeyPatch, *bodies: Mapping[str, Any]) -> Answers:
    made = Answers(*bodies)
    monkeypatch.setattr(backend.rater, "execute", made.execute)
    return made


def test_a_plan_names_what_it_keeps_back(run: Run, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = answering(backend, monkeypatch, PLANNED)
    result = run(*["export", "plan", "billing", "--from", "2026-11-01", "--to", "2026-12-01"])
    assert result.exit_code == 0, result.output
    assert answers.sent == [("export.plan", {"export": "billing", "from": "2026-11-01", "to": "2026-12-01"})]
    for words in ("globex", "items planned: 2", "kept back: 7", "-5 input of acme", "to nobody: 4"):
        assert words in result.stdout


def test_a_plan_of_nothing_says_why(run: Run, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(backend, monkeypatch, {**PLANNED, "planned": 0, "nothing": ["2026-11 is not closed for 7 customers"]})
    assert "2026-11 is not closed for 7 customers" in run(*["export", "plan", "billing"]).stdout


def test_a_dry_run_prints_the_targets_words(run: Run, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = answering(backend, monkeypatch, {**PLANNED, "dry_run": True, "elements": [ELEMENT]})
    result = run(*["export", "plan", "billing", "--period", "2026-11", "--dry-run"])
    assert answers.sent == [("export.plan", {"export": "billing", "period": "2026-11", "dry_run": True})]
    assert '{"event_name":"tokens","value":"7"}' in result.stdout
    assert "items that would be planned: 2" in result.stdout


def test_a_run_plans_and_goes_on_until_nothing_is_due(
    run: Run, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = {**DONE, "items": STANDING}
    answers = answering(backend, monkeypatch, PLANNED, {**step, "more": True}, {**step, "more": False, "later": 2})
    result = run(*["export", "run", "billing"])
    assert result.exit_code == 0, result.output
    assert [kind for kind, _ in answers.sent] == ["export.plan", "export.run", "export.run"]
    assert "requests: 2; accepted: 2" in result.stdout
    assert "waiting for their time: 2" in result.stdout


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"items": {**STANDING, "rejected": 2}}, "--state rejected"),
        ({"items": {**STANDING, "held": 1}}, "--state held"),
        ({"items": STANDING, "halted": "stripe asked for a pause"}, "it ended early: stripe asked for a pause"),
        ({"items": STANDING, "why": "ConnectError"}, "came to nothing, the next run repeats it: ConnectError"),
    ],
)
def test_a_run_that_leaves_something_open_ends_with_1(
    run: Run, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch, said: dict[str, Any], words: str
) -> None:
    answers = answering(backend, monkeypatch, {**DONE, "more": False, **said})
    result = run(*["export", "run", "billing", "--no-plan"])
    assert (result.exit_code, [kind for kind, _ in answers.sent]) == (1, ["export.run"])
    assert words in result.stdout


WAITS = {"items": 3, "next_ns": 1_796_040_000_000_000_000, "why": "HTTP 503: not now"}


def test_a_run_says_what_waits_why_and_until_when(
    run: Run, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(backend, monkeypatch, {**DONE, "more": False, "items": STANDING, "later": 5, "waits": WAITS})
    result = run(*["export", "run", "billing", "--no-plan"])
    assert result.exit_code == 1
    assert "waiting for their time: 2" in result.stdout
    said = " ".join(result.stdout.split())
    assert "billing, items that wait after a try that came to nothing: 3 (HTTP 503: not now)" in said
    assert "due at 2026-11-30T12:00:00.000000Z, and tollspan export retry billing tries now" in said


def test_a_retry_of_everything_tries_at_once_and_once(
    run: Run, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = {**DONE, "items": STANDING}
    answers = answering(
        backend, monkeypatch, {**PLANNED, "given_up": 0}, {**step, "more": True}, {**step, "more": False}
    )
    result = run(*["export", "retry", "billing"])
    assert result.exit_code == 0, result.output
    assert [(kind, body.get("now")) for kind, body in answers.sent] == [
        ("export.retry", None), ("export.run", True), ("export.run", None),
    ]  # fmt: skip
    assert "requests: 2; accepted: 2" in result.stdout


def test_a_retry_says_what_it_planned(run: Run, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = answering(backend, monkeypatch, {**PLANNED, "given_up": 2})
    result = run(*["export", "retry", "billing", "--code", "no_meter"])
    assert answers.sent == [("export.retry", {"export": "billing", "code": "no_meter"})]
    assert "items planned: 2" in result.stdout
