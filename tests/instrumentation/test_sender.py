"""Records reach the endpoint however often it fails; what cannot be kept is counted."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

import tollspan
from tollspan import sender as module
from tollspan.process import Identity
from tollspan.record import Record, UnitRecord
from tollspan.sender import Sender
from tollspan.transport import http_post


def unit(number: int) -> Record:
    identity = Identity(f"r{number}", "ab" * 16, f"{number:016x}")
    return UnitRecord(identity, "p", number, 1_000, "page", "1")


def answering(*answers: int | OSError | bytes) -> Callable[[bytes], tuple[int, bytes]]:
    """A post function that gives these answers, then 200s."""
    left = list(answers)

    def post(_body: bytes) -> tuple[int, bytes]:
        answer = left.pop(0) if left else 200
        if isinstance(answer, OSError):
            raise answer
        return (answer, b"") if isinstance(answer, int) else (200, answer)

    return post


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_BACKOFF_SECONDS", 0.001)
    monkeypatch.setattr(module, "MAX_BACKOFF_SECONDS", 0.002)


@pytest.mark.parametrize("failure", [429, 500, 503, 401, 404, OSError("refused"), TimeoutError()])
def test_what_may_pass_is_tried_again(failure: Any) -> None:
    sender = Sender(answering(failure, failure, failure), {})
    sender.put(unit(1))
    assert sender.flush(5)
    stats = sender.stats()
    assert (stats.exported, stats.refused, stats.failed_posts, stats.queued) == (1, 0, 3, 0)
    sender.close(1)


@pytest.mark.parametrize("failure", [401, OSError("refused")])
def test_an_endpoint_that_stays_away_is_told_of_now_and_then(failure: Any, caplog: Any) -> None:
    caplog.set_level("WARNING", "tollspan")  # a library that runs in another test may have raised the root's
    sender = Sender(answering(*[failure] * 9), {})
    sender.put(unit(1))
    assert sender.flush(5)
    sender.close(1)
    assert [text.partition(": the")[0].partition(": end")[0] for text in caplog.messages] == [
        "tollspan: try 4",
        "tollspan: try 8",
    ]


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_refusal_is_counted_and_does_not_block_the_rest(status: int) -> None:
    sender = Sender(answering(status), {})
    sender.put(unit(1))
    assert sender.flush(5)
    sender.put(unit(2))
    assert sender.flush(5)
    assert (sender.stats().refused, sender.stats().exported) == (1, 1)
    sender.close(1)


def test_a_partial_success_counts_what_was_rejected() -> None:
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = 1
    sender = Sender(answering(answer.SerializeToString()), {})
    sender.put(unit(1))
    sender.flush(5)
    assert (sender.stats().refused, sender.stats().exported) == (1, 0)
    sender.close(1)


def test_past_the_cap_of_memory_records_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    monkeypatch.setattr(module, "MAX_IN_MEMORY", 3)
    monkeypatch.setattr(module, "GATHER_SECONDS", 60)
    sender = Sender(answering(), {})
    for number in range(5):
        sender.put(unit(number))
    assert (sender.stats().recorded, sender.stats().dropped, sender.stats().queued) == (5, 2, 3)
    assert [line for line in caplog.messages if "dropped" in line] == [
        "tollspan: 1 records dropped (no folder): is the endpoint up?",
        "tollspan: 2 records dropped (no folder): is the endpoint up?",
    ]
    assert sender.flush(5)
    sender.close(1)


def test_closing_does_not_wait_for_a_dead_endpoint() -> None:
    sender = Sender(answering(*[OSError()] * 10_000), {})
    sender.put(unit(1))
    sender.close(0.01)
    sender._thread.join(5)  # type: ignore[union-attr]
    assert not sender._thread.is_alive()  # type: ignore[union-attr]
    assert (sender.stats().exported, sender.stats().queued) == (0, 0)


def test_a_record_after_the_end_is_counted_as_dropped() -> None:
    sender = Sender(answering(), {})
    sender.close(0)
    sender.put(unit(1))
    assert (sender.stats().dropped, sender.stats().queued) == (1, 0)


def test_posts_protobuf_with_headers_to_the_traces_path(sink: Any) -> None:
    sender = Sender(http_post(f"{sink.url}/v1/traces", {"authorization": "Bearer t"}), {"service.name": "shop"})
    sink.statuses = [503]
    sender.put(unit(7))
    assert sender.flush(5)
    assert [headers["path"] for headers in sink.headers] == ["/v1/traces"] * 2
    assert sink.headers[0]["authorization"] == "Bearer t"
    assert sink.headers[0]["content-type"] == "application/x-protobuf"
    assert [(span.span_id, span.resource) for span in sink.spans] == [(f"{7:016x}", {"service.name": "shop"})]
    sender.close(1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_fork_is_a_new_process_that_sends_its_own_records_once(metered: Any, monkeypatch: Any) -> None:
    tollspan.record("page", 1)
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # a child that hangs must not outlive the test
        tollspan.record("page", 2)
        os._exit(0 if tollspan.flush(5) else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    tollspan.record("page", Decimal(3))
    spans = metered.collect()
    by_process = {span["tollspan.process.id"]: [] for span in spans}
    for span in spans:
        by_process[span["tollspan.process.id"]].append((span["tollspan.seq"], span["tollspan.quantity"]))
    assert sorted(by_process.values()) == [[(1, "1"), (2, "3")], [(1, "2")]]
