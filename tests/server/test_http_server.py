"""The doors over HTTP answer at once."""

from __future__ import annotations

import socket

from starlette.applications import Starlette

from tollspan_rater.config.model import Tls
from tollspan_rater.server.serving import HttpServer


def test_an_answer_in_two_packets_does_not_wait_for_an_acknowledgement() -> None:
    """Nagle's algorithm holds the second one back until a client acknowledges the first, 40 ms later."""
    server = HttpServer(Starlette(), "127.0.0.1:0", Tls(), "listen.api", mutual=False)
    with server._socket as listening, socket.create_connection(("127.0.0.1", server.port)):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
