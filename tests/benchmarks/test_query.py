"""The benchmark of questions in its small form: its store fits, and each question is answered and measured."""

from __future__ import annotations

from benchmarks.query.__main__ import lines
from benchmarks.query.questions import ASKED


def test_every_question_is_measured() -> None:
    *found, last = lines(calls=2_000, rounds=1, rate=0, plan="tiered")
    assert [line.split(" | ")[0].removeprefix("| ") for line in found] == [asked.what for asked in ASKED]
    assert last.startswith("\nnothing came in meanwhile")
