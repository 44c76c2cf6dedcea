"""The figures of the table, from answers that are asked beside the scrapes, and again only when they are old enough."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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
PATIENCE_S: Final = 5.0  # what a scrape waits for new answers; Prometheus itself gives up after 10 s
REST: Final = 20  # an answer serves so many times as long as it took, or questions would keep a large rater busy
ASKED: Final = tuple(dict.fromkeys(each.asked for each in FIGURES))
_FAILED: Final = "1 where figures are missing."
_AGE: Final = "Seconds since the figures of a question were asked for."

log = logging.getLogger("tollspan")


@dataclass(frozen=True, slots=True)
class _Known:
    """What came of a question that was asked ``at_s`` and serves until ``due_s``; no answer if it failed."""

    at_s: float
    due_s: float
    answer: Answer | None


class Figures:
    """Answers of one rater as gauges; safe to call from many threads, to be closed before the rater."""

    def __init__(
        self,
        rater: RaterDoor,
        clock: Clock,
        zone: str,
        passed_s: Callable[[], float] = monotonic,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Bind the parts; ``zone`` is where months begin, ``passed_s`` a clock that never goes back."""
        self._rater, self._clock, self._zone, self._passed_s = rater, clock, ZoneInfo(zone), passed_s
        self.patience_s = patience_s
        self._lock, self._one_at_a_time = threading.Lock(), threading.Lock()
        self._known: dict[tuple[str, Asked], _Known] = {}
        self._asking: dict[str, threading.Thread] = {}
        self._closed = False

    def close(self) -> None:
        """Ask nothing more; return when what is being asked has its answer."""
        self._closed = True
        for thread in tuple(self._asking.values()):
            thread.join()

    def metrics(self, tenant: str) -> Iterator[Metric]:
        """Yield the figures of all questions that have an answer, and for each question whether it has, and its age.

        Questions whose answer is too old are asked meanwhile; a scrape waits for them no longer than it may.
        """
        asking = self._ask(tenant)
        if asking is not None:
            asking.join(self.patience_s)
        known = {asked: self._known.get((tenant, asked)) for asked in ASKED}
        answers = {asked: None if found is None else found.answer for asked, found in known.items()}
        yield _of_questions(
            "tollspan_question_failed", _FAILED, [(asked, float(answers[asked] is None)) for asked in ASKED]
        )
        now_s = self._passed_s()
        ages = [(asked, now_s - found.at_s) for asked, found in known.items() if found is not None and found.answer]
        yield _of_questions("tollspan_question_age_seconds", _AGE, ages)
        for figure in FIGURES:
            answer = answers[figure.asked]
            if answer is not None:
                yield gauge(figure, answer, MOST)

    def _ask(self, tenant: str) -> threading.Thread | None:
        """Return the thread that asks what is due for a tenant, a new one if none does; None when nothing is due."""
        with self._lock:
            running = self._asking.get(tenant)
            if running is not None and running.is_alive():
                return running
            now_s = self._passed_s()
            known = {asked: self._known.get((tenant, asked)) for asked in ASKED}
            due = [asked for asked, found in known.items() if found is None or found.due_s <= now_s]
            if not due or self._closed:
                return None
            thread = threading.Thread(target=self._renew, args=(tenant, due), name="tollspan-figures", daemon=True)
            self._asking[tenant] = thread
            thread.start()
            return thread

    def _renew(self, tenant: str, due: Sequence[Asked]) -> None:
        with self._one_at_a_time:
            for asked in due:
                if not self._closed:
                    self._known[tenant, asked] = self._answer(tenant, asked)

    def _answer(self, tenant: str, asked: Asked) -> _Known:
        begun_s = self._passed_s()
        try:
            answer = self._rater.ask(asked.question, self._params(asked), tenant=tenant)
        except TollspanError as error:  # the rest of the scrape says how the rater is
            log.warning("metrics: %s has no answer: %s", asked.question, error)
            return _Known(begun_s, begun_s, None)
        took_s = self._passed_s() - begun_s
        return _Known(begun_s, begun_s + max(asked.every_s, REST * took_s), answer)

    def _params(self, asked: Asked) -> dict[str, str]:
        given = {name: [value] for name, value in asked.params.items()}
        if asked.this_month:
            given["from"] = [self._month(from_ns(self._clock.now_ns()))]
        return question(asked.question).read(given)

    def _month(self, now: datetime) -> str:
        return f"{now.astimezone(self._zone):%Y-%m}-01"


def _of_questions(name: str, help_: str, values: Sequence[tuple[Asked, float]]) -> GaugeMetricFamily:
    """Return a gauge by question: of one that is asked in several ways, the largest value."""
    of: dict[str, float] = {}
    for asked, value in values:
        of[asked.question] = max(value, of.get(asked.question, value))
    family = GaugeMetricFamily(name, help_, labels=["question"])
    for told, value in of.items():
        family.add_metric([told], value)
    return family
