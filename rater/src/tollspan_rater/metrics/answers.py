"""The figures of the table, from answers that are asked again only when they are old enough."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from time import monotonic
from typing import Final
from zoneinfo import ZoneInfo

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from tollspan_rater.domain.clock import Clock, from_ns
from tollspan_rater.errors import TollspanError
from tollspan_rater.metrics.figures import FIGURES, Asked, gauge
from tollspan_rater.query.answer import Answer
from tollspan_rater.query.questions import question
from tollspan_rater.query.rater import RaterDoor

MOST: Final = 20  # rows of a figure that keep their own labels

log = logging.getLogger("tollspan")


class Figures:
    """Answers of one rater as gauges; safe to call from many threads."""

    def __init__(self, rater: RaterDoor, clock: Clock, zone: str, passed_s: Callable[[], float] = monotonic) -> None:
        """Bind the parts; ``zone`` is where months begin, ``passed_s`` a clock that never goes back."""
        self._rater, self._clock, self._zone, self._passed_s = rater, clock, ZoneInfo(zone), passed_s
        self._lock = threading.Lock()
        self._known: dict[tuple[str, Asked], tuple[float, Answer]] = {}

    def metrics(self, tenant: str) -> Iterator[Metric]:
        """Yield all figures whose question has an answer, and for each question whether it has."""
        failed = GaugeMetricFamily("tollspan_question_failed", "1 where figures are missing.", labels=["question"])
        with self._lock:
            answers = {asked: self._answer(tenant, asked) for asked in dict.fromkeys(each.asked for each in FIGURES)}
        for name in dict.fromkeys(asked.question for asked in answers):
            missing = any(answer is None for asked, answer in answers.items() if asked.question == name)
            failed.add_metric([name], int(missing))
        yield failed
        for figure in FIGURES:
            answer = answers[figure.asked]
            if answer is not None:
                yield gauge(figure, answer, MOST)

    def _answer(self, tenant: str, asked: Asked) -> Answer | None:
        now_s = self._passed_s()
        found = self._known.get((tenant, asked))
        if found is not None and now_s - found[0] < asked.every_s:
            return found[1]
        try:
            answer = self._rater.ask(asked.question, self._params(asked), tenant=tenant)
        except TollspanError as error:  # the rest of the scrape says how the rater is
            log.warning("metrics: %s has no answer: %s", asked.question, error)
            return None
        self._known[tenant, asked] = now_s, answer
        return answer

    def _params(self, asked: Asked) -> dict[str, str]:
        given = {name: [value] for name, value in asked.params.items()}
        if asked.this_month:
            given["from"] = [self._month(from_ns(self._clock.now_ns()))]
        return question(asked.question).read(given)

    def _month(self, now: datetime) -> str:
        return f"{now.astimezone(self._zone):%Y-%m}-01"
