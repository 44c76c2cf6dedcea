"""Spans are told apart by case, and lose what must not be kept."""

from __future__ import annotations

import gzip
import json
from typing import Any

from conformance.spans import Received, by_case, leaks, read, received_in, reduced
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def span(trace: str, start: int, name: str = "chat", scope: str = "lib", **texts: str) -> Received:
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in texts.items()]
    about = {"traceId": trace, "spanId": f"{start:016x}", "name": name, "attributes": attributes}
    times = {"startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 1)}
    return Received({**about, **times}, {"name": scope}, {"attributes": []})


def test_a_trace_without_a_root_belongs_to_the_case_that_ran_when_it_began() -> None:
    first, second = span("a" * 32, 10, "CASE one", "conformance"), span("b" * 32, 20, "CASE two", "conformance")
    child, stray, late = span("a" * 32, 12), span("c" * 32, 14), span("d" * 32, 26)
    early = span("e" * 32, 5)
    found = by_case([late, stray, second, child, first, early])
    assert {case: {one.trace_id[0] for one in spans} for case, spans in found.items()} == {
        "one": {"a", "c"},
        "two": {"b", "d"},
    }


def test_reduction_keeps_what_is_read_and_short_words() -> None:
    kept = {"gen_ai.operation.name": "chat", "some.kind": "LLM", "gen_ai.request.model": "gpt 5"}
    lost = {"gen_ai.input.messages": "How many?", "code.file": "/opt/someone/app.py", "some.text": "two words"}
    [one] = received_in(reduced([span("a" * 32, 1, **kept, **lost)]))
    assert {attribute["key"] for attribute in one.span["attributes"]} == set(kept)


def test_a_text_under_an_unknown_name_is_a_leak() -> None:
    known, unknown = {"gen_ai.input.messages": "How many?"}, {"brand.new.prompt": "How many?"}
    assert leaks([span("a" * 32, 1, **known)]) == set()
    assert leaks([span("a" * 32, 1, **unknown)]) == {"lib: brand.new.prompt"}


def test_both_encodings_read_alike() -> None:
    request: Any = ExportTraceServiceRequest()
    made = request.resource_spans.add().scope_spans.add().spans.add()
    made.trace_id, made.span_id, made.name, made.kind = b"\x01" * 16, b"\x02" * 8, "chat", 3
    made.start_time_unix_nano = made.end_time_unix_nano = 7
    [binary] = read(gzip.compress(request.SerializeToString()), {"content-encoding": "gzip"})
    assert (binary.trace_id, binary.span["spanId"], binary.span["kind"]) == ("01" * 16, "02" * 8, 3)
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [dict(binary.span)]}]}]}).encode()
    [text] = read(body, {"content-type": "application/json"})
    assert text.span == binary.span
