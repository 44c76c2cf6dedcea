import random
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.demo.plans import people
from tollspan import semconv
from tollspan_rater.demo import sdk


class Receiver(ThreadingHTTPServer):
    """Takes OTLP requests and keeps the attributes of each span."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spans: list[dict[str, object]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        import gzip

        sent = gzip.decompress(self.rfile.read(int(self.headers["content-length"])))
        for resource in ExportTraceServiceRequest.FromString(sent).resource_spans:
            for span in resource.scope_spans[0].spans:
                values = {one.key: one.value for one in span.attributes}
                self.server.spans.append(
                    {key: getattr(value, value.WhichOneof("value") or "") for key, value in values.items()}
                )
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        del format, args


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_records_of_real_sdk_calls_say_what_the_provider_billed(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openai")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # nobody listens there: loopback needs no proxy
    monkeypatch.setenv("NO_PROXY", "")
    billed = sdk.run(receiver.url, people(), 100, random.Random(1), time.time_ns)
    assert billed is not None
    assert [call.number for call in billed] == list(range(100, 100 + sdk.CALLS))
    assert {call.api for call in billed} == {
        "openai.chat", "openai.responses", "openai.embeddings", "anthropic.messages",
    }  # fmt: skip
    sent = sorted(receiver.spans, key=lambda one: int(str(one[semconv.SEQ])))
    keys = ("tollspan.customer", semconv.REQUEST_MODEL, semconv.INPUT_TOKENS, semconv.OUTPUT_TOKENS)
    assert [tuple(one.get(key) for key in keys) for one in sent] == [
        (call.customer, call.model, call.input, call.output or None) for call in billed
    ]


def test_without_the_sdks_the_demo_goes_on(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    assert sdk.run(receiver.url, people(), 0, random.Random(1), time.time_ns) is None
    assert receiver.spans == []
