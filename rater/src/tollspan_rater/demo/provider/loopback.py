"""A web server on 127.0.0.1 that serves from a thread of its own, and the answers that its handlers give."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self


class LoopbackServer(ThreadingHTTPServer):
    """Serves while it is entered; requests that still run do not keep it from ending. Port 0 takes a free one."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, handler: type[BaseHTTPRequestHandler], *, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """The address, without a path."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_about: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay quiet: clients that hang up are expected."""


class LoopbackHandler(BaseHTTPRequestHandler):
    """Reads and answers requests of a :class:`LoopbackServer`; connections are kept, nothing is logged."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize: ClassVar[int] = -1

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Stay quiet."""

    def do_GET(self) -> None:
        """Hand on to :meth:`get`."""
        self.get()

    def do_POST(self) -> None:
        """Hand on to :meth:`post`."""
        self.post()

    def get(self) -> None:
        """Answer a GET; a server that knows none says so."""
        self.answer_nothing_here(self.path)

    def post(self) -> None:
        """Answer a POST; a server that knows none says so."""
        self.answer_nothing_here(self.path)

    def read_body(self) -> bytes:
        """Return the request's body, whichever way its length is told."""
        if (self.headers.get("transfer-encoding") or "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or "0"))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def answer(self, status: int, data: bytes, headers: Mapping[str, str]) -> None:
        """Answer with a whole body."""
        self.begin(status, {"Content-Length": str(len(data)), **headers})
        self.wfile.write(data)
        self.wfile.flush()

    def answer_json(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        """Answer with a JSON document."""
        self.answer(status, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})

    def answer_nothing_here(self, path: str) -> None:
        """Answer that there is no such path, as provider APIs word it."""
        self.answer_json(404, {"error": {"type": "not_found_error", "message": f"no such path: {path}"}})

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Write the head of an answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def begin_stream(self, kind: str, headers: Mapping[str, str]) -> None:
        """Write the head of an answer whose chunks follow."""
        self.begin(200, {"Content-Type": kind, "Transfer-Encoding": "chunked", **headers})

    def chunk(self, data: bytes) -> None:
        """Write one chunk of a stream; an empty one ends it."""
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()
