"""An OTLP sender that shows what the receiver answered, over either door, and the requests that it sends."""

from __future__ import annotations

import gzip
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import grpc
import httpx
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.collector.process import EXPORT
from tests.end_to_end.process import RaterProcess

Door = Literal["grpc", "http"]
DOORS: Final[tuple[Door, ...]] = ("grpc", "http")
PROTO, JSON = "application/x-protobuf", "application/json"
SCOPE: Final = "opentelemetry.instrumentation.openai_v2"
SECOND: Final = 1_000_000_000

Value = str | int | bool | float


@dataclass(frozen=True)
class Reply:
    """What a sender sees: the gRPC code's name or the HTTP status, and after how many seconds to come again."""

    status: str | int
    retry_after: int | None = None


def send(
    rater: RaterProcess, door: Door, body: bytes, *, token: str | None = None, zipped: bool = False, media: str = PROTO
) -> Reply:
    """Send one request and return the answer."""
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    if door == "grpc":
        return _over_grpc(rater.grpc, body, headers, zipped=zipped)
    return _over_http(rater.http, body, {**headers, "content-type": media}, zipped=zipped)


def _over_grpc(address: str, body: bytes, headers: Mapping[str, str], *, zipped: bool) -> Reply:
    most = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
    compression = grpc.Compression.Gzip if zipped else grpc.Compression.NoCompression
    with grpc.insecure_channel(address, options=most) as channel:
        try:
            channel.unary_unary(EXPORT, bytes, bytes)(
                body, timeout=60, metadata=tuple(headers.items()), compression=compression
            )
        except grpc.RpcError as error:
            return Reply(error.code().name, _retry_info(error))
    return Reply("OK")


def _retry_info(error: grpc.RpcError) -> int | None:
    for name, value in error.trailing_metadata() or ():
        if name == "grpc-status-details-bin":
            for detail in Status.FromString(value).details:
                info = RetryInfo()
                if detail.Unpack(info):
                    return int(info.retry_delay.seconds)
    return None


def _over_http(address: str, body: bytes, headers: Mapping[str, str], *, zipped: bool) -> Reply:
    content = gzip.compress(body, 1) if zipped else body
    encoding = {"content-encoding": "gzip"} if zipped else {}
    answer = httpx.post(
        f"http://{address}/v1/traces", content=content, headers={**headers, **encoding}, timeout=60, trust_env=False
    )
    retry = answer.headers.get("retry-after")
    return Reply(answer.status_code, None if retry is None else int(retry))


def new_trace() -> bytes:
    """Return a trace id that no other test has."""
    return secrets.token_bytes(16)


def call_span(trace: bytes, number: int, start_ns: int | None = None, **said: Value) -> Span:
    """Return a span of a plain OTel instrumentation for one call; ``said`` adds attributes, ``__`` is a dot."""
    start = time.time_ns() - 60 * SECOND if start_ns is None else start_ns
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4.1-mini",
        "gen_ai.response.model": "gpt-4.1-mini",
        "gen_ai.response.id": f"chatcmpl-{trace.hex()}-{number}",
        "gen_ai.usage.input_tokens": 100 + number,
        "gen_ai.usage.output_tokens": 10 + number,
        "tollspan.customer": "acme",
    } | {name.replace("__", "."): value for name, value in said.items()}
    return Span(
        trace_id=trace,
        span_id=number.to_bytes(8, "big"),
        name="chat gpt-4.1-mini",
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=start + number,
        end_time_unix_nano=start + number + SECOND,
        attributes=key_values(attributes),
    )


def key_values(attributes: Mapping[str, Value]) -> list[KeyValue]:
    """Return attributes as OTLP writes them."""
    return [KeyValue(key=key, value=_any(value)) for key, value in attributes.items()]


def _any(value: Value) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    return AnyValue(double_value=value) if isinstance(value, float) else AnyValue(string_value=value)


def request(spans: Iterable[Span], resource: Mapping[str, Value] | None = None) -> ExportTraceServiceRequest:
    """Return a request that holds some spans of one resource and scope."""
    made = ExportTraceServiceRequest()
    part = made.resource_spans.add()
    part.resource.attributes.extend(key_values(resource or {"service.name": "shop"}))
    scope = part.scope_spans.add()
    scope.scope.name = SCOPE
    scope.spans.extend(spans)
    return made


def calls_request(trace: bytes, count: int, **said: Value) -> bytes:
    """Return a request with so many calls, numbered from 1, as bytes."""
    return request(call_span(trace, number, **said) for number in range(1, count + 1)).SerializeToString()
