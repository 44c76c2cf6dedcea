"""Stands between the stacks and the rater: passes each request on as it came, and keeps a copy of its spans."""

from __future__ import annotations

import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import httpx

from conformance.http_body import read_body
from conformance.spans import Received, read

_PASSED_ON = ("content-type", "content-encoding")


class Receiver:
    """An OTLP/HTTP receiver on 127.0.0.1; ``{url}/STACK`` is the endpoint of a stack."""

    def __init__(self, rater_url: str) -> None:
        self.spans: dict[str, list[Received]] = defaultdict(list)
        self.passed_on = 0
        self.refused: list[str] = []
        self._lock = threading.Lock()
        self._client = httpx.Client(base_url=rater_url, trust_env=False, timeout=30)
        self._server = _Server(("127.0.0.1", 0), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """The address before ``/STACK``."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_about: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._client.close()

    def take(self, stack: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes, str]:
        """Pass a request on; return status, body and content type of the rater's answer."""
        answer = self._client.post(
            "/v1/traces", content=body, headers={name: headers[name] for name in _PASSED_ON if name in headers}
        )
        with self._lock:
            if answer.is_success:
                self.spans[stack] += read(body, headers)
                self.passed_on += 1
            else:
                self.refused.append(f"{stack}: {answer.status_code} {answer.text[:200]}")
        return answer.status_code, answer.content, answer.headers.get("content-type", "")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], receiver: Receiver) -> None:
        self.receiver = receiver
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Stay quiet."""

    def do_POST(self) -> None:
        """Take spans; whatever else an exporter sends (metrics, logs) is answered and forgotten."""
        body = read_body(self.headers, self.rfile)
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, answer, kind = 200, b"{}", "application/json"
        if self.path.endswith("/v1/traces"):
            status, answer, kind = self.server.receiver.take(self.path.split("/")[1], body, headers)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
