"""The recorded comparison, graded again with the rules of today."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from comparison.cases import all_cases
from comparison.grade import Grade
from comparison.instrumentation import INSTRUMENTATIONS
from comparison.run import Run

from comparison import page, recording

LEAST_PEERS = 4
NOT_BY_ATTRIBUTES = {
    "OpenAI responses: background retrieve twice",
    "OpenAI responses: retrieve what was answered",
    "OpenAI: batch results read twice",
}
"""Read or retrieved more than once: each record is true, and the rater counts one."""


@pytest.fixture(scope="module")
def runs() -> dict[str, Run]:
    return {run.name: run for run in recording.read()}


def grades(run: Run) -> dict[str, Grade]:
    maker = next(one for one in INSTRUMENTATIONS if one.name == run.name)
    return {case.case.name: found.grade for case in run.cases if (found := page.graded(maker, case))}


def test_every_case_is_recorded_for_everyone(runs: dict[str, Run]) -> None:
    assert len(runs.keys() - {"tollspan"}) >= LEAST_PEERS
    slugs = {case.slug for case in all_cases()}
    missing = {(name, slug) for name, run in runs.items() for slug in slugs - {case.case.slug for case in run.cases}}
    assert missing == set()


def test_tollspan_is_neither_wrong_nor_missing(runs: dict[str, Run]) -> None:
    found = grades(runs["tollspan"])
    assert {name for name, grade in found.items() if grade is Grade.WRONG} == NOT_BY_ATTRIBUTES
    assert {name for name, grade in found.items() if grade in {Grade.MISSING, Grade.DROPPED}} == set()


def test_the_pages_show_the_recordings(runs: dict[str, Run]) -> None:
    stale = "stale: run python -m comparison pages"
    assert page.PAGE.read_text(encoding="utf-8") == page.written(list(runs.values())), stale
    assert page.SUPPORTED.read_text(encoding="utf-8") == page.supported(), stale


def test_a_recording_holds_what_is_graded_and_nothing_else(runs: dict[str, Run]) -> None:
    for run in runs.values():
        names = {name for case in run.cases for span in case.spans for name in span}
        assert names <= recording.GRADED
    strange = ("How many", "Every token", "/tmp/", "/usr/", "Bearer", "made-up")
    found = Counter(word for path in recording.FOLDER.iterdir() for word in strange if word in path.read_text())
    assert found == {}


def test_what_is_written_is_read_again(runs: dict[str, Run], tmp_path: Path) -> None:
    for run in runs.values():
        recording.write(run, tmp_path)
    assert recording.read(tmp_path) == list(runs.values())
