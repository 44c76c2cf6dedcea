"""Real endpoints over gRPC and HTTP: what is sent along, and what each answer means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from tests.collector.process import free_ports
from tests.collector.sink import Refusal, listening
from tollspan_rater.errors import ConfigError
from tollspan_rater.trace_out.target import GrpcTarget, HttpTarget, NotNow, Taken, read_headers

Code = grpc.StatusCode


@contextmanager
def answering(status: int, body: bytes = b"") -> Iterator[tuple[str, list[tuple[str, str | None, bytes]]]]:
    """An HTTP endpoint with one answer; gives its address and what it was asked: path, key, body."""
    asked: list[tuple[str, str | None, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            asked.append((self.path, self.headers["x-key"], self.rfile.read(size)))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_grpc_takes_headers_along() -> None:
    with listening() as sink:
        target = GrpcTarget(f"http://{sink.address}", {"X-Scope-OrgID": "one"})
        assert target.send(b"spans", 1) == Taken()
        target.close()
        assert sink.requests == [b"spans"]
        assert sink.metadata[0]["x-scope-orgid"] == "one"


@pytest.mark.parametrize(
    ("code", "again"),
    [(Code.UNAVAILABLE, True), (Code.RESOURCE_EXHAUSTED, True), (Code.UNAUTHENTICATED, True),
     (Code.INVALID_ARGUMENT, False)],
)  # fmt: skip
def test_what_grpc_answers_mean(code: grpc.StatusCode, *, again: bool) -> None:
    with listening() as sink:
        sink.refusals.append(Refusal(code))
        target = GrpcTarget(f"http://{sink.address}", {})
        why = f"{code.name}: refused by the test"
        assert target.send(b"spans", 7) == (NotNow(why) if again else Taken(7, why))
        target.close()


@pytest.mark.parametrize(
    ("status", "again"),
    [(503, True), (429, True), (401, True), (404, True), (400, False), (413, False)],
)
def test_what_http_answers_mean(status: int, *, again: bool) -> None:
    with answering(status) as (url, asked):
        target = HttpTarget(url, {"x-key": "made-up"})
        why = f"HTTP {status}"
        assert target.send(b"spans", 7) == (NotNow(why) if again else Taken(7, why))
        target.close()
    assert asked == [("/v1/traces", "made-up", b"spans")]


def test_a_partial_success_is_counted() -> None:
    partial = ExportTracePartialSuccess(rejected_spans=2, error_message="too old")
    with answering(200, ExportTraceServiceResponse(partial_success=partial).SerializeToString()) as (url, asked):
        target = HttpTarget(f"{url}/v1/traces/", {})
        assert target.send(b"", 7) == Taken(2, "too old")
        target.close()
    assert [path for path, _, _ in asked] == ["/v1/traces"]


@pytest.mark.parametrize("kind", [GrpcTarget, HttpTarget])
def test_nobody_there_is_not_now(kind: type[GrpcTarget | HttpTarget]) -> None:
    target = kind(f"http://127.0.0.1:{free_ports(1)[0]}", {})
    assert isinstance(target.send(b"", 1), NotNow)
    target.close()


def test_headers_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "headers"
    path.write_text("# of our tenant\n\nX-Scope-OrgID: one\napi-key:made:up\n")
    assert read_headers(path) == {"X-Scope-OrgID": "one", "api-key": "made:up"}
    assert read_headers(None) == {}


@pytest.mark.parametrize("text", ["secret\n", "name:\n", ": secret\n", None, "näme: secret\n"])
def test_a_wrong_file_of_headers_is_refused_without_its_values(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "headers"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        read_headers(path)
    assert "secret" not in str(refused.value)
