"""How a request goes to the endpoint: OTLP over HTTP with the standard library, which no instrumentation patches."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tollspan.variables import TIMEOUT_SECONDS, Compression

if TYPE_CHECKING:
    from http.client import HTTPConnection
    from ssl import SSLContext

Post = Callable[[bytes], "tuple[int, bytes]"]


@dataclass(frozen=True, slots=True)
class Transport:
    """Seconds that a request may take, how its body is compressed, and PEM files for TLS."""

    timeout: float = TIMEOUT_SECONDS
    compression: Compression = "gzip"
    certificate: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None


def http_post(url: str, headers: Mapping[str, str], transport: Transport | None = None) -> Post:
    """Make a function that posts an OTLP request and returns status and body; it may raise ``OSError``.

    Files are read when they are needed first, and again until they could be read.
    """
    how = transport or Transport()
    parts = urlsplit(url)
    zipped = {"Content-Encoding": "gzip"} if how.compression == "gzip" else {}
    fixed = {"Content-Type": "application/x-protobuf", **zipped, **headers}
    target = parts.path + (f"?{parts.query}" if parts.query else "")

    @cache
    def context() -> SSLContext:
        return _context(how)

    def connect() -> HTTPConnection:
        from http.client import HTTPConnection, HTTPSConnection  # noqa: PLC0415 - a sixth of the time of importing us

        host = parts.hostname or ""
        if parts.scheme == "https":
            return HTTPSConnection(host, parts.port, timeout=how.timeout, context=context())
        return HTTPConnection(host, parts.port, timeout=how.timeout)

    def post(body: bytes) -> tuple[int, bytes]:
        from http.client import HTTPException  # noqa: PLC0415 - as above

        connection = connect()
        try:
            connection.request("POST", target, gzip.compress(body, 1) if zipped else body, fixed)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except HTTPException as error:
            raise OSError(f"no HTTP answer ({error})") from error
        finally:
            connection.close()

    return post


def _context(how: Transport) -> SSLContext:
    import ssl  # noqa: PLC0415 - most endpoints are a Collector beside the application, without TLS

    found = ssl.create_default_context(cafile=how.certificate)
    if how.client_certificate:
        found.load_cert_chain(how.client_certificate, how.client_key)
    return found
