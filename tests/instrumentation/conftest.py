"""A fake provider, an OTLP/HTTP sink, and tollspan between them."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import tollspan
from tollspan_rater.demo.provider import FakeProvider


@dataclass
class Received:
    trace_id: str
    span_id: str
    parent_id: str
    name: str
    error: bool
    start_ns: int
    end_ns: int
    scope: str
    resource: dict[str, Any]
    attributes: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.attributes.get(key)


class Sink:
    """Keeps every span of every request; answers with ``statuses`` first, then 200, after ``delay`` seconds."""

    def __init__(self) -> None:
        self.spans: list[Received] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.statuses: list[int] = []
        self.delay = 0.0
        self._never = threading.Event()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status = sink.statuses.pop(0) if sink.statuses else 200
                sink.headers.append({key.lower(): value for key, value in self.headers.items()} | {"path": self.path})
                if status == 200:
                    sink.bodies.append(gzip.decompress(body))
                    sink.spans += decoded(sink.bodies[-1])
                sink._never.wait(sink.delay)
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def value(any_value: Any) -> Any:
    kind = any_value.WhichOneof("value")
    if kind == "array_value":
        return [value(item) for item in any_value.array_value.values]
    return getattr(any_value, kind)


def decoded(body: bytes) -> list[Received]:
    request = ExportTraceServiceRequest.FromString(body)
    return [
        Received(
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_id=span.parent_span_id.hex(),
            name=span.name,
            error=span.status.code == 2,
            start_ns=span.start_time_unix_nano,
            end_ns=span.end_time_unix_nano,
            scope=scope.scope.name,
            resource={item.key: value(item.value) for item in resource.resource.attributes},
            attributes={item.key: value(item.value) for item in span.attributes},
        )
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


@dataclass
class Metered:
    provider: FakeProvider
    sink: Sink
    collect: Callable[[], list[Received]] = field(default=list)


@pytest.fixture(autouse=True)
def spool_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "spool"
    monkeypatch.setenv("TOLLSPAN_SPOOL_DIR", str(folder))
    return folder


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with FakeProvider(seed=1) as found:
        yield found


@pytest.fixture
def sink() -> Iterator[Sink]:
    found = Sink()
    yield found
    found.close()


@pytest.fixture
def metered(provider: FakeProvider, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> Iterator[Metered]:
    monkeypatch.setenv("OPENAI_API_KEY", "made-up")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "made-up")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{provider.url}/v1")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", provider.url)
    tollspan.install(endpoint=sink.url, include_usage_hosts=())

    def collect() -> list[Received]:
        assert tollspan.flush(5)
        return sorted(sink.spans, key=lambda span: span["tollspan.seq"])

    yield Metered(provider, sink, collect)
    tollspan.uninstall(0.2)
