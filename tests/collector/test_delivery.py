"""What a real Collector has acknowledged reaches the rater: through outages, refusals, crashes and a full queue."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.collector.process import REPOSITORY, CollectorProcess, running
from tests.collector.recordings import requests_in
from tests.collector.sink import Refusal, Sink
from tests.collector.traffic import ids, numbered, request, span, span_id

from tollspan_rater.extract.attributes import REDUCED_KEYS, is_kept

pytestmark = pytest.mark.collector

SOON = timedelta(milliseconds=200)
RETRIED_BY_SENDERS = {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE}
DIALECTS = REPOSITORY / "tests" / "data" / "dialects"


def passing_keys(path: Path) -> dict[bytes, set[str]]:
    """Return for each span of a file of OTLP/JSON requests the attribute keys that should pass."""
    spans = [
        span
        for body in map(json.loads, requests_in(path))
        for resource in body["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]
    return {
        bytes.fromhex(span["spanId"]): {
            item["key"] for item in span.get("attributes", []) if is_kept(item["key"]) or item["key"] in REDUCED_KEYS
        }
        for span in spans
    }


def test_takes_grpc_and_http(collector: CollectorProcess, sink: Sink) -> None:
    collector.export(numbered(1, 10))
    collector.post(numbered(11, 10))
    sink.wait_for_spans(ids(1, 20))
    assert sink.span_ids().total() == 20


def test_an_outage_of_the_rater_loses_nothing(collector: CollectorProcess, sink: Sink) -> None:
    sink.stop()
    for first in range(1, 1000, 50):
        collector.post(numbered(first, 50))
    sink.start()
    sink.wait_for_spans(ids(1, 1000))


def test_a_killed_collector_delivers_what_it_had_acknowledged(collector: CollectorProcess, sink: Sink) -> None:
    sink.stop()
    for first in range(1, 1000, 50):
        collector.post(numbered(first, 50))
    collector.kill()
    sink.start()
    collector.start()
    sink.wait_for_spans(ids(1, 1000))


def test_kills_under_load_lose_nothing_acknowledged(collector: CollectorProcess, sink: Sink) -> None:
    for first in range(1, 600, 10):
        collector.post(numbered(first, 10))
        if first % 200 == 1:
            collector.kill()
            collector.start()
    sink.wait_for_spans(ids(1, 600))


def test_a_stop_in_the_middle_of_retries_keeps_the_rest(collector: CollectorProcess, sink: Sink) -> None:
    sink.stop()
    collector.post(numbered(1, 50))
    assert collector.stop() == 0
    sink.start()
    collector.start()
    sink.wait_for_spans(ids(1, 50))


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(grpc.StatusCode.UNAVAILABLE),
        Refusal(grpc.StatusCode.UNAVAILABLE, SOON),
        Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, SOON),
        Refusal(grpc.StatusCode.DEADLINE_EXCEEDED),
        Refusal(grpc.StatusCode.ABORTED),
    ],
    ids=lambda refusal: f"{refusal.code.name}{' with RetryInfo' if refusal.retry_after else ''}",
)
def test_a_refusal_that_may_be_repeated_is_repeated(collector: CollectorProcess, sink: Sink, refusal: Refusal) -> None:
    sink.refusals.extend([refusal, refusal])
    collector.post(numbered(1, 20))
    sink.wait_for_spans(ids(1, 20))
    assert sink.refused == 2


def test_any_other_refusal_drops_the_data_and_shows_in_the_metric_to_alert_on(
    collector: CollectorProcess,
    sink: Sink,
) -> None:
    sink.refusals.append(Refusal(grpc.StatusCode.UNKNOWN))
    collector.post(numbered(1, 20))
    sink.wait(lambda: sink.refused == 1)
    collector.wait_metric("otelcol_exporter_send_failed_spans", 20)
    collector.post(numbered(21, 20))
    sink.wait_for_spans(ids(21, 20))
    assert not ids(1, 20) & sink.span_ids().keys()


def fill(collector: CollectorProcess) -> tuple[set[bytes], grpc.StatusCode]:
    """Send spans of 100 kB until one is not acknowledged within a second; return those that were, and its code."""
    acknowledged: set[bytes] = set()
    for number in range(1, 100):
        try:
            collector.export(large(number), seconds=1)
        except grpc.RpcError as error:
            return acknowledged, error.code()
        acknowledged.add(span_id(number))
    raise AssertionError("the queue never became full")


def large(number: int) -> ExportTraceServiceRequest:
    return request([span(number, {"output.value": "x" * 100_000})])


def test_a_full_queue_holds_the_sender_instead_of_dropping(
    collector_binary: Path,
    tmp_path: Path,
    sink: Sink,
) -> None:
    sink.stop()
    small = {"TOLLSPAN_COLLECTOR_QUEUE_BYTES": "1100000"}
    with running(CollectorProcess(collector_binary, tmp_path, sink.address, environment=small)) as collector:
        acknowledged, code = fill(collector)
        assert code in RETRIED_BY_SENDERS  # whichever side sees the end of the second first
        with ThreadPoolExecutor(max_workers=1) as pool:
            held = pool.submit(collector.export, large(100))
            sink.start()
            held.result()
        sink.wait_for_spans(acknowledged | {span_id(100)})


def test_too_large_a_request_is_refused_and_nothing_else_suffers(collector: CollectorProcess, sink: Sink) -> None:
    with pytest.raises(httpx.HTTPStatusError):
        collector.post(request([span(1, {"gen_ai.request.model": "m" * (15 * 1024 * 1024)})]))
    collector.post(numbered(2, 10))
    sink.wait_for_spans(ids(2, 10))
    assert span_id(1) not in sink.span_ids()


@pytest.mark.parametrize(("overlays", "sent"), [([], None), (["collector-token.yaml"], "Bearer made-up")])
def test_the_key_is_sent_only_where_it_is_asked_for(
    collector_binary: Path,
    tmp_path: Path,
    sink: Sink,
    overlays: list[str],
    sent: str | None,
) -> None:
    key = {"TOLLSPAN_RATER_TOKEN": "made-up"}
    with running(CollectorProcess(collector_binary, tmp_path, sink.address, overlays, key)) as collector:
        collector.post(numbered(1, 1))
        sink.wait_for_spans(ids(1, 1))
        assert "made-up" not in collector.log()
    assert sink.metadata[0].get("authorization") == sent


def test_metrics_to_alert_on_have_the_documented_names(collector: CollectorProcess, sink: Sink) -> None:
    collector.post(numbered(1, 20))
    sink.wait_for_spans(ids(1, 20))
    collector.wait_metric("otelcol_receiver_accepted_spans", 20)
    collector.wait_metric("otelcol_exporter_sent_spans", 20)
    collector.wait_metric("otelcol_exporter_queue_capacity", 1024**3)
    assert collector.metric("otelcol_exporter_queue_size") == 0


@pytest.mark.skipif(not DIALECTS.is_dir(), reason="the recorded spans are not in this checkout: tests/data/dialects")
def test_recorded_spans_of_real_instrumentations_all_arrive(collector: CollectorProcess, sink: Sink) -> None:
    expected: dict[bytes, set[str]] = {}
    for path in sorted(DIALECTS.glob("*.otlp.jsonl")):
        collector.send_file(path)
        expected |= passing_keys(path)
    assert expected
    sink.wait_for_spans(set(expected))
    assert {key: {item.key for item in span.attributes} for key, span in sink.spans().items()} == expected
