"""Text of prompts and answers never reaches the disk, the log or an answer, wherever in a request it stands."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from tests.end_to_end.conftest import Serve
from tests.end_to_end.disk import everything
from tests.end_to_end.process import TOLLSPAN, RaterProcess, run
from tests.end_to_end.sender import JSON, SECOND, call_span, new_trace, request, send

from tollspan_rater.extract.attributes import CONTENT_KEYS, CONTENT_PREFIXES

SECRET = "the canary sings"
KEYS = sorted({*CONTENT_KEYS, *(f"{prefix}0.content" for prefix in CONTENT_PREFIXES)})
KEPT = "acme"  # the customer, which must be found where the text is searched for


def text() -> AnyValue:
    return AnyValue(string_value=SECRET)


# How the text may stand in an attribute's value.
SHAPES: dict[str, Callable[[], AnyValue]] = {
    "text": text,
    "bytes": lambda: AnyValue(bytes_value=SECRET.encode()),
    "list": lambda: AnyValue(array_value=ArrayValue(values=[text()])),
    "map": lambda: AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="content", value=text())])),
    "messages": lambda: AnyValue(string_value=json.dumps([{"role": "user", "content": SECRET}])),
    "answer": lambda: AnyValue(
        string_value=json.dumps({"id": "r-1", "model": SECRET, "usage": {SECRET: 1, "a": SECRET}})
    ),
}


def attributes(shape: Callable[[], AnyValue], keys: Sequence[str] = KEYS) -> list[KeyValue]:
    return [KeyValue(key=key, value=shape()) for key in keys]


def requests() -> Iterator[ExportTraceServiceRequest]:
    """Yield requests with the text in every content attribute, in every shape and place."""
    for shape in SHAPES.values():
        for half in (KEYS[::2], KEYS[1::2]):
            in_span = call_span(new_trace(), 1)
            in_span.attributes.extend(attributes(shape, half))
            in_event = call_span(new_trace(), 1)
            in_event.events.add(name="gen_ai.user.message", attributes=attributes(shape, [*half, "content"]))
            in_link = call_span(new_trace(), 1)
            in_link.links.add(attributes=attributes(shape, half))
            ahead = call_span(new_trace(), 1, time.time_ns() + 700 * SECOND)
            ahead.attributes.extend(attributes(shape, half))
            made = request([in_span, in_event, in_link, ahead])
            made.resource_spans[0].resource.attributes.extend(attributes(shape, half))
            made.resource_spans[0].scope_spans[0].scope.attributes.extend(attributes(shape, half))
            yield made
    failed = call_span(new_trace(), 1)
    failed.status.code, failed.status.message = failed.status.STATUS_CODE_ERROR, SECRET
    failed.attributes.extend(attributes(text))
    yield request([failed])


def as_json(made: ExportTraceServiceRequest) -> bytes:
    """Return a request as OTLP/JSON, whose ids are hexadecimal."""
    document: dict[str, Any] = MessageToDict(made)
    spans = document["resourceSpans"][0]["scopeSpans"][0]["spans"]
    for span, was in zip(spans, made.resource_spans[0].scope_spans[0].spans, strict=True):
        span["traceId"], span["spanId"] = was.trace_id.hex(), was.span_id.hex()
    return json.dumps(document).encode()


def everywhere(rater: RaterProcess, tmp_path: Path) -> list[tuple[str, bytes]]:
    """Kill the rater, so that what the store had not merged yet is there too, and return all that it said and left."""
    data = ["--data", str(rater.data)]
    said = [
        run([*TOLLSPAN, *data, *words.split(), "--format", "json"]).stdout.encode()
        for words in ("calls --limit 100000", "quarantine list --limit 100000")
    ]
    out = tmp_path / "export"
    done = run([*TOLLSPAN, *data, "export", "jsonl", "--out", str(out)])
    assert done.returncode == 0, done.stderr
    rater.kill()
    return [
        ("log", rater.log().encode()),
        *(("answer", answer) for answer in said),
        *(("export", path.read_bytes()) for path in out.iterdir()),
        *everything(rater.data, tmp_path / "copy"),
    ]


def test_no_content_attribute_in_any_place_and_shape(serve: Serve, tmp_path: Path) -> None:
    rater = serve()
    spans = 0
    for made in requests():
        body = made.SerializeToString()
        for answer in (
            send(rater, "grpc", body),
            send(rater, "http", body, zipped=True),
            send(rater, "http", as_json(made), media=JSON),
            send(rater, "grpc", body[:-9]),
            send(rater, "http", as_json(made)[:-9], media=JSON),
            send(rater, "http", body.replace(b"gpt-4.1", b"gpt\xff4.1")),
        ):
            assert answer.status in ("OK", 200)
        spans += sum(
            1 for span in made.resource_spans[0].scope_spans[0].spans if span.start_time_unix_nano < time.time_ns()
        )
    assert len(rater.wait_for_calls(spans)) == spans
    rater.assert_audit_holds()
    places = everywhere(rater, tmp_path)
    assert {where.partition(" ")[0] for where, content in places if KEPT.encode() in content} >= {
        "answer", "export", "journal", "table"
    }  # fmt: skip
    assert not {where for where, content in places if SECRET.encode() in content}
