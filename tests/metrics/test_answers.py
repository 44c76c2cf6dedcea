"""Questions are asked again when their answers are old, and one without an answer does not take the others along."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from tests.fake_rater import FakeRater

from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.errors import UsageError
from tollspan_rater.metrics.answers import Figures
from tollspan_rater.metrics.figures import FIGURES
from tollspan_rater.query.answer import Answer

NEW_YEAR_NS = 1_798_761_600 * 1_000_000_000  # 2027-01-01T00:00:00Z
EACH = len({(figure.asked.question, tuple(figure.asked.params.items())) for figure in FIGURES})


class Passed:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_an_answer_serves_for_its_time_and_its_tenant_alone() -> None:
    rater, passed = FakeRater(), Passed()
    figures = Figures(rater, FixedClock(NEW_YEAR_NS), "UTC", passed)
    list(figures.metrics("t1"))
    assert len(rater.asked) == EACH
    passed.seconds = 29
    list(figures.metrics("t1"))
    assert len(rater.asked) == EACH
    list(figures.metrics("t2"))
    assert [tenant for _name, _params, tenant in rater.asked[EACH:]] == ["t2"] * EACH
    passed.seconds = 31
    list(figures.metrics("t1"))
    assert len(rater.asked) == 3 * EACH - 1  # the audit serves longer
    passed.seconds = 301
    list(figures.metrics("t1"))
    assert len(rater.asked) == 4 * EACH - 1


class Slow(FakeRater):
    """Answers when it is told to, after some seconds on the clock."""

    def __init__(self, passed: Passed, takes_s: float = 0) -> None:
        super().__init__()
        self.passed, self.takes_s, self.may_answer = passed, takes_s, threading.Event()

    def ask(self, question: str, params: Mapping[str, str], *, tenant: str) -> Answer:
        assert self.may_answer.wait(30)
        self.passed.seconds += self.takes_s
        return super().ask(question, params, tenant=tenant)


def samples(figures: Figures, name: str) -> dict[str, float]:
    return {
        "".join(sample.labels.values()): sample.value
        for family in figures.metrics("t1")
        if family.name == name
        for sample in family.samples
    }


def test_a_scrape_waits_no_longer_than_it_may_and_has_the_answers_of_before() -> None:
    rater = Slow(passed := Passed())
    figures = Figures(rater, FixedClock(NEW_YEAR_NS), "UTC", passed, patience_s=0)
    assert set(samples(figures, "tollspan_question_failed").values()) == {1}
    rater.may_answer.set()
    figures.close()  # returns when the question that is being asked has its answer; the others are not asked
    assert len(rater.asked) == 1

    patient = Figures(rater, FixedClock(NEW_YEAR_NS), "UTC", passed)
    assert samples(patient, "tollspan_calls") == {"": 12}
    rater.may_answer.clear()
    passed.seconds += 31
    patient.patience_s = 0
    assert samples(patient, "tollspan_calls") == {"": 12}
    assert samples(patient, "tollspan_question_age_seconds")["usage"] == 31
    assert set(samples(patient, "tollspan_question_failed").values()) == {0}
    rater.may_answer.set()
    patient.close()


def test_a_question_that_took_long_is_asked_more_seldom() -> None:
    rater = Slow(passed := Passed(), takes_s=7)
    rater.may_answer.set()
    figures = Figures(rater, FixedClock(NEW_YEAR_NS), "UTC", passed)
    list(figures.metrics("t1"))
    rater.asked.clear()
    passed.seconds = 20 * 7 - 1
    list(figures.metrics("t1"))
    assert rater.asked == []
    passed.seconds = 20 * 7 + 1
    list(figures.metrics("t1"))
    assert len(rater.asked) == 1  # the first one's time is over, seven seconds before the second one's


def test_the_month_is_that_of_the_zone() -> None:
    rater = FakeRater()
    list(Figures(rater, FixedClock(NEW_YEAR_NS), "America/New_York").metrics("t1"))
    assert {params["from"] for _name, params, _tenant in rater.asked if "from" in params} == {"2026-12-01"}


def test_a_question_that_fails_is_named_and_asked_again() -> None:
    rater = FakeRater(error=UsageError("no"))
    figures = Figures(rater, FixedClock(NEW_YEAR_NS), "UTC", Passed())
    [failed, ages] = figures.metrics("t1")
    assert ages.samples == []
    assert {sample.labels["question"]: sample.value for sample in failed.samples} == dict.fromkeys(
        ("usage", "inexact", "margin", "allowance", "export.status", "audit"), 1
    )
    rater.error = None
    assert {sample.value for sample in next(iter(figures.metrics("t1"))).samples} == {0}
