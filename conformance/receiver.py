"""Stands between the stacks and the rater: passes each request on as it came, and keeps a copy of its spans."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import Self

import httpx

from conformance.spans import Received, read
from tollspan_rater.demo.provider.loopback import LoopbackHandler, LoopbackServer

_PASSED_ON = ("content-type", "content-encoding")


class Receiver:
    """An OTLP/HTTP receiver on 127.0.0.1; ``{url}/STACK`` is the endpoint of a stack. Without a rater it only keeps."""

    def __init__(self, rater_url: str = "") -> None:
        self.spans: dict[str, list[Received]] = defaultdict(list)
        self.passed_on = 0
        self.refused: list[str] = []
        self._lock = threading.Lock()
        self._client = httpx.Client(base_url=rater_url, trust_env=False, timeout=30) if rater_url else None
        self._server = _Server(self)

    @property
    def url(self) -> str:
        """The address before ``/STACK``."""
        return self._server.url

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *_about: object) -> None:
        self._server.__exit__()
        if self._client:
            self._client.close()

    def take(self, stack: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes, str]:
        """Pass a request on; return status, body and content type of the rater's answer."""
        if self._client is None:
            with self._lock:
                self.spans[stack] += read(body, headers)
            return 200, b"{}", "application/json"
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


class _Server(LoopbackServer):
    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        super().__init__(_Handler)


class _Handler(LoopbackHandler):
    server: _Server

    def post(self) -> None:
        """Take spans; whatever else an exporter sends (metrics, logs) is answered and forgotten."""
        body = self.read_body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, answer, kind = 200, b"{}", "application/json"
        if self.path.endswith("/v1/traces"):
            status, answer, kind = self.server.receiver.take(self.path.split("/")[1], body, headers)
        self.answer(status, answer, {"Content-Type": kind})
