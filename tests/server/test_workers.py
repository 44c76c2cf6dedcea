"""Pages that another process makes are those made here, and a dead process costs time only."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence

import pytest
from benchmarks.ingest.spans import Load

from tollspan import export
from tollspan.attribution import Attribution
from tollspan.process import Identity
from tollspan.record import UnitRecord
from tollspan_rater.domain.entries import Batch
from tollspan_rater.extract.rule_file import load
from tollspan_rater.extract.span_rule import RulesByTenant
from tollspan_rater.pipeline.page import Names, Page, page_of
from tollspan_rater.pipeline.subjects import Subjects
from tollspan_rater.server import workers
from tollspan_rater.server.meaning import MEANING, reader
from tollspan_rater.server.page_worker import KeyedNames
from tollspan_rater.server.workers import Workers

KEY = b"k" * 32
FIRST_NS = 1_790_000_000_000_000_000
[REQUEST] = Load(spans=3, per_request=3, seed=1, first_ns=FIRST_NS).requests()


class Rig:
    def __init__(self) -> None:
        self.here: list[int] = []
        self.learned: list[Names] = []
        self.workers = Workers(1, KEY, self.make, self.learned.append)

    def make(self, batches: Sequence[Batch], rules: RulesByTenant) -> Page:
        self.here.extend(batch.position for batch in batches)
        return page_of(batches, reader(Subjects(KeyedNames(KEY))).under(rules).read, MEANING.settle, MEANING.link_of)

    def wait_until_started(self) -> None:
        """Have the processes started that are missing; the one thread does one thing after the other."""
        self.workers._start_missing()
        self.workers._threads.submit(int).result()


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setattr(workers, "AT_ONCE_BYTES", 0)
    made = Rig()
    made.wait_until_started()
    yield made
    made.workers.close()


def a_batch(position: int, body: bytes = REQUEST) -> Batch:
    return Batch(position, FIRST_NS, "t1", "s", "otlp-proto", body)


def test_a_page_from_another_process_is_the_same(rig: Rig) -> None:
    batches = [a_batch(1), a_batch(2, b"\xff")]
    page = rig.workers.submit(batches, {})()
    assert rig.here == []
    wanted = rig.make(batches, {})
    assert (page.batches, page.pieces) == (tuple(batches), (3, 1))
    assert (page.leg_of, page.rest) == (wanted.leg_of, wanted.rest)
    assert page.spans.equals(wanted.spans)
    assert page.legs.equals(wanted.legs)
    [names] = rig.learned
    assert {name[:5] for name in names["t1"].values()} == {"user-"}


def test_a_name_that_may_be_an_id_is_left_to_the_owner(rig: Rig) -> None:
    person = Attribution({"user": "u_0123456789abcdef"})
    record = UnitRecord(Identity("r", "a" * 32, "b" * 16), "p", 1, FIRST_NS, "retrieval", "1", person)
    assert rig.workers.submit([a_batch(1, export.spans([record]))], {})().pieces == (1,)
    assert rig.here == [1]


def test_a_process_reads_by_the_rules_that_come_with_the_batch(rig: Rig) -> None:
    by = load("meters.yaml", "rules: [{rule: calls, meter: api_call, when: {kind: client}}]")
    pages = [rig.workers.submit([a_batch(1)], rules)() for rules in ({}, {"t1": by}, {"t2": by}, {"t1": by})]
    meters = [page.legs["meter"].drop_null().to_pylist() for page in pages]
    assert meters == [[], ["api_call"] * 3, [], ["api_call"] * 3]
    assert rig.here == []


def test_a_killed_process_costs_time_only(rig: Rig) -> None:
    assert rig.workers.submit([a_batch(1)], {})().pieces == (3,)
    [process] = rig.workers._running
    process._child.send_signal(signal.SIGKILL)
    process._child.wait()
    assert rig.workers.submit([a_batch(2)], {})().pieces == (3,)
    assert rig.here == [2]
    rig.wait_until_started()
    assert rig.workers.submit([a_batch(3)], {})().pieces == (3,)
    assert rig.here == [2]


def test_little_is_read_at_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "AT_ONCE_BYTES", 1 << 20)
    assert rig.workers.submit([a_batch(1)], {})().pieces == (3,)
    assert rig.here == [1]


def test_what_is_wanted_before_a_process_is_ready_is_read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "AT_ONCE_BYTES", 0)
    started, start = threading.Event(), Workers._start

    def late(of: Workers) -> None:
        assert started.wait(60)
        start(of)

    monkeypatch.setattr(Workers, "_start", late)
    rig = Rig()
    try:
        first, second = (rig.workers.submit([a_batch(position)], {}) for position in (1, 2))
        assert first().pieces == (3,)
        assert rig.here == [1]
        started.set()
        rig.workers._threads.submit(int).result()
        assert second().pieces == (3,)
        assert rig.here == [1]
    finally:
        started.set()
        rig.workers.close()


def test_no_process_starts_for_little() -> None:
    rig = Rig()
    assert rig.workers.submit([a_batch(1)], {})().pieces == (3,)
    assert (rig.workers._running, rig.workers._starting) == ([], 0)
