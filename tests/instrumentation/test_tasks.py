"""Attribution crosses job queues: Celery by its in-memory broker and a worker, RQ by its contract."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker

import tollspan
from tollspan.tasks import celery as tasks
from tollspan.tasks.rq import KEY, Attributed


@pytest.fixture
def app() -> Iterator[Celery]:
    app = Celery("shop", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.update(task_store_eager_result=True, worker_hijack_root_logger=False)

    @app.task(name="seen", shared=False)
    def seen() -> dict[str, str]:
        return tollspan.inject()

    @app.task(name="fails", shared=False)
    def fails() -> None:
        raise KeyError

    @app.task(name="chained", shared=False)
    def chained() -> str:
        with tollspan.attribute(user="inner"):
            return str(seen.delay().id)

    tasks.connect()
    tasks.connect()
    yield app
    tasks.disconnect()
    assert tasks._running == {}


@pytest.fixture
def worker(app: Celery) -> Iterator[Celery]:
    with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=20):
        yield app


GIVEN: Any = {"customer": "acme", "billable": False, "tags": {"team": "red"}}
CARRIER = {"tollspan.customer": "acme", "tollspan.billable": "false", "tollspan.tags.team": "red"}


def test_celery_carries_it_to_the_worker_and_no_further(worker: Celery) -> None:
    with tollspan.attribute(**GIVEN):
        first, failing = worker.tasks["seen"].delay(), worker.tasks["fails"].delay()
        chained = worker.tasks["chained"].delay()
    assert first.get(timeout=20) == CARRIER
    with pytest.raises(KeyError):
        failing.get(timeout=20)
    second = worker.AsyncResult(chained.get(timeout=20))
    assert second.get(timeout=20) == {**CARRIER, "tollspan.user": "inner"}
    assert worker.tasks["seen"].delay().get(timeout=20) == {}


def test_an_eager_celery_task_is_inside_its_caller(app: Celery) -> None:
    with tollspan.attribute(**GIVEN):
        assert app.tasks["seen"].apply().get() == CARRIER
        assert tollspan.inject() == CARRIER
    assert app.tasks["seen"].apply().get() == {}


class JobLike:
    """What the mixin needs of RQ's Job: ``create(..., meta=)``, ``meta`` and ``perform()``."""

    def __init__(self, function: Any, meta: dict[str, Any] | None = None) -> None:
        self.function, self.meta = function, meta or {}

    @classmethod
    def create(cls, function: Any, meta: dict[str, Any] | None = None) -> JobLike:
        return cls(function, meta)

    def perform(self) -> Any:
        return self.function()


class Job(Attributed, JobLike):  # type: ignore[misc] # rq's Job has more
    pass


@pytest.mark.parametrize("meta", [None, {"mine": 1}])
def test_rq_jobs_remember_for_whom_they_were_queued(meta: Any) -> None:
    with tollspan.attribute(**GIVEN):
        job = Job.create(tollspan.inject, meta=meta)
    assert job.meta == {**(meta or {}), KEY: CARRIER}
    assert job.perform() == CARRIER
    assert tollspan.inject() == {}


def test_an_rq_job_of_before_names_nobody() -> None:
    assert Job(tollspan.inject).perform() == {}
