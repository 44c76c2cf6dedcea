"""Where money spans go: an OTLP endpoint over gRPC or HTTP, and what its answers mean."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

import grpc
import httpx
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tollspan_rater.errors import ConfigError

TIMEOUT_S: Final = 10.0
_EXPORT: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_PATH: Final = "/v1/traces"
_PORTS: Final = {"http": 80, "https": 443}
_UNREADABLE_GRPC: Final = (grpc.StatusCode.INVALID_ARGUMENT,)
_UNREADABLE_HTTP: Final = (400, 413, 422)


@dataclass(frozen=True, slots=True)
class Taken:
    """A request is done with: ``refused`` of its spans the endpoint did not want, ``why`` says it."""

    refused: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class NotNow:
    """A request was not taken and may be sent again."""

    why: str


class Target(Protocol):
    """Takes serialized ``ExportTraceServiceRequest``s."""

    def send(self, body: bytes, spans: int) -> Taken | NotNow:
        """Send one request of so many spans; never raises for what the network or the endpoint does."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


class GrpcTarget:
    """An OTLP/gRPC endpoint; ``authorities`` are PEM certificates for an https address."""

    def __init__(self, endpoint: str, headers: Mapping[str, str], authorities: bytes | None = None) -> None:
        parts = urlsplit(endpoint)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        address = f"{host}:{parts.port or _PORTS[parts.scheme]}"
        if parts.scheme == "https":
            self._channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(authorities))
        else:
            self._channel = grpc.insecure_channel(address)
        self._export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = self._channel.unary_unary(_EXPORT)
        self._metadata = tuple((name.lower(), value) for name, value in headers.items())

    def send(self, body: bytes, spans: int) -> Taken | NotNow:
        """Send one request; only what the endpoint cannot read is given up."""
        try:
            return _partial(self._export(body, timeout=TIMEOUT_S, metadata=self._metadata))
        except grpc.RpcError as error:
            code, why = error.code(), f"{error.code().name}: {error.details()}"
            return Taken(spans, why) if code in _UNREADABLE_GRPC else NotNow(why)

    def close(self) -> None:
        """End the connection."""
        self._channel.close()


class HttpTarget:
    """An OTLP/HTTP endpoint; ``/v1/traces`` is added to an address that does not end so."""

    def __init__(self, endpoint: str, headers: Mapping[str, str], authorities: Path | None = None) -> None:
        base = endpoint.rstrip("/")
        self._url = base if base.endswith(_PATH) else base + _PATH
        self._client = httpx.Client(
            headers={**headers, "Content-Type": "application/x-protobuf"},
            timeout=TIMEOUT_S,
            verify=ssl.create_default_context(cafile=authorities),
        )

    def send(self, body: bytes, spans: int) -> Taken | NotNow:
        """Send one request; only what the endpoint cannot read is given up."""
        try:
            answer = self._client.post(self._url, content=body)
        except httpx.HTTPError as error:
            return NotNow(str(error) or type(error).__name__)
        if answer.is_success:
            return _partial(answer.content)
        why = f"HTTP {answer.status_code}"
        return Taken(spans, why) if answer.status_code in _UNREADABLE_HTTP else NotNow(why)

    def close(self) -> None:
        """End the connections."""
        self._client.close()


def read_headers(path: Path | None) -> dict[str, str]:
    """Read the headers that are sent along: ``NAME: VALUE`` a line; empty lines and ``#`` lines say nothing.

    Raises:
        ConfigError: the file cannot be read, or a line is something else. No value is repeated in it.
    """
    if path is None:
        return {}
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            "trace_out.headers_file", str(path), "configuration", f"it cannot be read: {error}"
        ) from error
    headers: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, value = line.partition(":")
        if not colon or not name.strip() or not value.strip():
            remedy = f"line {number} is not NAME: VALUE"
            raise ConfigError("trace_out.headers_file", str(path), "configuration", remedy)
        headers[name.strip()] = value.strip()
    return headers


def _partial(answer: bytes) -> Taken:
    try:
        partial = ExportTraceServiceResponse.FromString(answer).partial_success
    except DecodeError:  # success in other words, as a proxy's page
        return Taken()
    return Taken(partial.rejected_spans, partial.error_message)
