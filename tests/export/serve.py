"""A simulator on loopback, for the vendors' own clients."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from tests.export.simulators.simulator import Call, Simulator


@contextmanager
def serving(simulator: Simulator) -> Iterator[str]:
    """Serve a simulator until the block ends; gives its address without a slash at the end."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            done = simulator.handle(Call(self.command, self.path, headers, self.rfile.read(length)))
            self.send_response(done.status)
            for name, value in {**done.headers, "content-length": str(len(done.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(done.body)

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    for method in ("GET", "POST", "PUT", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.answer)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
