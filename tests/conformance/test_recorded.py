"""The recorded runs of real instrumentations, read with the tables of today."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest
from conformance.compare import ABSENT, Verdict
from conformance.recording import FOLDER
from conformance.replay import replayed
from conformance.run import CaseResult, StackResult
from conformance.stack import STACKS

from conformance import page

STACKS_LEAST, CASES_LEAST, EXACT_LEAST = 12, 100, 0.95

# Spans that state another figure than the provider's, with nothing on them that shows it. It may only shrink.
MISSTATED: set[tuple[str, str]] = set()


@pytest.fixture(scope="module")
def results() -> list[StackResult]:
    return replayed()


def cases(results: list[StackResult]) -> Iterator[CaseResult]:
    for result in results:
        yield from result.cases


def named(results: list[StackResult], *verdicts: Verdict) -> set[tuple[str, str]]:
    return {(case.stack, case.case) for case in cases(results) if case.comparison.verdict in verdicts}


def test_enough_is_recorded(results: list[StackResult]) -> None:
    assert len(results) >= STACKS_LEAST
    assert len(list(cases(results))) >= CASES_LEAST
    assert {result.stack.name for result in results} <= {stack.name for stack in STACKS}


def test_nothing_is_counted_twice_or_a_silent_zero(results: list[StackResult]) -> None:
    assert named(results, Verdict.DOUBLE, Verdict.SILENT_ZERO) == set()


def test_what_the_spans_show_is_read_exactly(results: list[StackResult]) -> None:
    count = Counter(case.comparison.verdict for case in cases(results))
    complete = sum(number for verdict, number in count.items() if verdict not in ABSENT)
    assert count[Verdict.EXACT] >= EXACT_LEAST * complete, named(results, Verdict.WRONG)


def test_as_many_calls_as_the_provider_charges_unless_there_is_no_span(results: list[StackResult]) -> None:
    miscounted = {(case.stack, case.case) for case in cases(results) if not case.comparison.calls_right}
    assert miscounted == named(results, Verdict.UNSEEN)


def test_what_the_spans_misstate_is_known(results: list[StackResult]) -> None:
    assert named(results, Verdict.MISSTATED) <= MISSTATED


def test_every_case_that_failed_has_a_bill_or_failed_on_purpose(results: list[StackResult]) -> None:
    idle = {(case.stack, case.case) for case in cases(results) if not case.charged}
    assert {case for case in idle if not case[1].endswith("_error")} == set()


def test_recordings_hold_no_content_and_nothing_of_a_machine() -> None:
    strange = re.compile(r"How many|Weather\?|rain in|Every token|/(tmp|usr|opt|site-packages)/|/(?:ho)me/|sk-|Bearer")
    for path in FOLDER.iterdir():
        assert strange.findall(path.read_text()) == [], path.name


def test_the_page_shows_the_recordings(results: list[StackResult]) -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.written(text, results) == text, "stale: run python -m conformance --recorded --record"
