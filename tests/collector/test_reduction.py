"""What a real Collector lets through to the rater and what it removes: every attribute of every place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from tests.collector.process import CollectorProcess, running
from tests.collector.sink import Sink
from tests.collector.traffic import TRACE_ID, as_dict, ids, key_values, request, span, span_id

from tollspan_rater.extract.attributes import (
    CONTENT_KEYS,
    CONTENT_PREFIXES,
    KEPT_KEYS,
    KEPT_PREFIXES,
    REDUCED_KEYS,
    is_kept,
)

pytestmark = pytest.mark.collector

CANARY = "canary-7f3a"
KEPT = {
    key: f"value of {key}"
    for key in (*KEPT_KEYS, *REDUCED_KEYS, *(f"{prefix}example" for prefix in KEPT_PREFIXES))
    if is_kept(key) or key in REDUCED_KEYS
}
CONTENT = dict.fromkeys(CONTENT_KEYS - REDUCED_KEYS, CANARY) | {
    f"{prefix}0.content": CANARY for prefix in CONTENT_PREFIXES
}
UNKNOWN = {"app.secret": CANARY, "db.statement": CANARY}
EVERYTHING = KEPT | CONTENT | UNKNOWN


def with_event(made: Span) -> Span:
    event = made.events.add(name="gen_ai.content.prompt", time_unix_nano=made.start_time_unix_nano)
    event.attributes.extend(key_values(EVERYTHING))
    return made


def with_link(made: Span) -> Span:
    made.links.add(trace_id=TRACE_ID, span_id=span_id(99)).attributes.extend(key_values(EVERYTHING))
    return made


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(span(1, EVERYTHING), id="without events"),
        pytest.param(with_event(span(1, EVERYTHING)), id="with an event"),
        pytest.param(with_link(span(1, EVERYTHING)), id="with a link"),
        pytest.param(with_link(with_event(span(1, EVERYTHING, parent=0))), id="root with both"),
    ],
)
def test_known_attributes_pass_and_content_is_gone(collector: CollectorProcess, sink: Sink, made: Span) -> None:
    collector.post(request([made], resource=EVERYTHING, scope=EVERYTHING))
    sink.wait_for_spans({span_id(1)})
    (received,) = sink.decoded()
    resource = received.resource_spans[0]
    scope = resource.scope_spans[0]
    assert as_dict(scope.spans[0].attributes) == KEPT
    assert as_dict(scope.scope.attributes) == KEPT
    assert as_dict(resource.resource.attributes) == KEPT
    assert CANARY.encode() not in sink.requests[0]


def test_names_ids_times_kind_and_status_are_untouched(collector: CollectorProcess, sink: Sink) -> None:
    made = with_event(span(7, {"gen_ai.request.model": "m"}))
    made.kind = Span.SPAN_KIND_CLIENT
    made.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message="overloaded"))
    made.trace_state = "a=b"
    made.dropped_attributes_count = 3
    collector.post(request([made]))
    sink.wait_for_spans({span_id(7)})
    del made.events[0].attributes[:]
    assert sink.spans()[span_id(7)] == made


def test_all_spans_pass_whatever_they_are(collector: CollectorProcess, sink: Sink) -> None:
    root = span(1, {"tollspan.customer": "acme"}, parent=0)
    database = span(2, {"db.statement": "select 1"})
    bare = span(3, {})
    unsampled = span(4, {"gen_ai.request.model": "m"})
    unsampled.flags = 0x100
    collector.post(request([root, database, bare, unsampled]))
    sink.wait_for_spans(ids(1, 4))
    assert as_dict(sink.spans()[span_id(1)].attributes) == {"tollspan.customer": "acme"}


def test_structured_values_of_content_keys_are_gone_too(collector: CollectorProcess, sink: Sink) -> None:
    message = {"values": [{"key": "content", "value": {"stringValue": CANARY}}]}
    attribute = {"key": "gen_ai.input.messages", "value": {"arrayValue": {"values": [{"kvlistValue": message}]}}}
    made = {"traceId": "0a" * 16, "spanId": "0b" * 8, "name": "chat", "attributes": [attribute]}
    collector.post_json(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [made]}]}]}))
    sink.wait_for_spans({b"\x0b" * 8})
    assert CANARY.encode() not in sink.requests[0]


def test_content_never_reaches_the_queue_on_disk(collector: CollectorProcess, sink: Sink) -> None:
    sink.stop()
    collector.post(request([with_event(span(1, EVERYTHING))], resource=EVERYTHING))
    stored = b"".join(path.read_bytes() for path in collector.queue.rglob("*") if path.is_file())
    assert b"value of tollspan.example" in stored  # the span is there, its content is not
    assert CANARY.encode() not in stored


def test_a_span_far_larger_than_a_batch_arrives_with_its_neighbours(collector: CollectorProcess, sink: Sink) -> None:
    large = span(1, {"output.value": "x" * (10 * 1024 * 1024)})
    collector.post(request([large, *(span(number, {"gen_ai.request.model": "m"}) for number in range(2, 12))]))
    sink.wait_for_spans(ids(1, 11))


def test_tempo_gets_the_spans_untouched_and_its_absence_holds_up_nothing(
    collector_binary: Path,
    tmp_path: Path,
    sink: Sink,
) -> None:
    tempo = Sink()
    tempo.start()
    sent = request([with_link(with_event(span(1, EVERYTHING)))], resource=EVERYTHING, scope=EVERYTHING)
    environment = {"TOLLSPAN_TEMPO_OTLP": tempo.address}
    with running(
        CollectorProcess(collector_binary, tmp_path, sink.address, ["collector-tempo.yaml"], environment),
    ) as collector:
        collector.post(sent)
        tempo.wait_for_spans({span_id(1)})
        sink.wait_for_spans({span_id(1)})
        tempo.stop()
        collector.post(request([span(2, EVERYTHING)]))
        sink.wait_for_spans({span_id(2)})
    assert tempo.decoded() == [sent]
    assert all(CANARY.encode() not in body for body in sink.requests)
