"""Questions are asked again when their answers are old, and one without an answer does not take the others along."""

from __future__ import annotations

from tests.fake_rater import FakeRater

from tollspan_rater.domain.clock import FixedClock
from tollspan_rater.errors import UsageError
from tollspan_rater.metrics.answers import Figures
from tollspan_rater.metrics.figures import FIGURES

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


def test_the_month_is_that_of_the_zone() -> None:
    rater = FakeRater()
    list(Figures(rater, FixedClock(NEW_YEAR_NS), "America/New_York").metrics("t1"))
    assert {params["from"] for _name, params, _tenant in rater.asked if "from" in params} == {"2026-12-01"}


def test_a_question_that_fails_is_named_and_asked_again() -> None:
    rater = FakeRater(error=UsageError("no"))
    figures = Figures(rater, FixedClock(NEW_YEAR_NS), "UTC", Passed())
    [failed] = figures.metrics("t1")
    assert {sample.labels["question"]: sample.value for sample in failed.samples} == dict.fromkeys(
        ("usage", "inexact", "margin", "allowance", "export.status", "audit"), 1
    )
    rater.error = None
    assert {sample.value for sample in next(iter(figures.metrics("t1"))).samples} == {0}
