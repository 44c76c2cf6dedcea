"""The floor under any receiver in Python: a gRPC server that answers bytes, and may force them to the disk first."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

SERVICE = "opentelemetry.proto.collector.trace.v1.TraceService"
WORKERS = 16


def serve(handle: Callable[[bytes], None]) -> None:
    """Serve on a free loopback port until stdin ends; prints the port."""

    def export(request: bytes, _context: grpc.ServicerContext) -> bytes:
        handle(request)
        return b""

    server = grpc.server(ThreadPoolExecutor(WORKERS), options=(("grpc.max_receive_message_length", 64 << 20),))
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(export)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Export": handler}),))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    sys.stdin.read()
    server.stop(None)


def synced(path: Path) -> Callable[[bytes], None]:
    """Return a handler that appends each request to a file and forces it to the disk."""
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    lock = threading.Lock()

    def handle(request: bytes) -> None:
        with lock:
            os.write(file, request)
        os.fdatasync(file)

    return handle


if __name__ == "__main__":
    serve(synced(Path(sys.argv[1])) if len(sys.argv) > 1 else lambda _request: None)
