"""A stand-in for the rater's OTLP/gRPC receiver that keeps raw requests and answers as it is told."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from threading import Condition

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

SERVICE = "opentelemetry.proto.collector.trace.v1.TraceService"
LIMIT_BYTES = 16 * 1024 * 1024  # the rater's documented limit of one request


@dataclass(frozen=True)
class Refusal:
    """One answer that is not OK; ``retry_after`` adds RetryInfo."""

    code: grpc.StatusCode
    retry_after: timedelta | None = None


class Sink:
    """Receives on loopback. ``refusals`` are given first, in order, then every request is kept and answered OK."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.metadata: list[dict[str, str | bytes]] = []
        self.refusals: deque[Refusal] = deque()
        self.refused = 0
        self._changed = Condition()
        self._server: grpc.Server | None = None
        self._port = 0
        self.start()
        self.stop()

    @property
    def address(self) -> str:
        """Return host:port; the port stays the same over ``stop`` and ``start``."""
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen, on the port of the first start."""
        options = [("grpc.max_receive_message_length", LIMIT_BYTES)]
        self._server = grpc.server(ThreadPoolExecutor(max_workers=4), options=options)
        export: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(self._export)
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Export": export}),))
        self._port = self._server.add_insecure_port(self.address)
        self._server.start()

    def stop(self) -> None:
        """Close the port; requests under way are cancelled."""
        if self._server is not None:
            self._server.stop(grace=None).wait()
            self._server = None

    def wait(self, done: Callable[[], bool], seconds: float = 30.0) -> None:
        """Return as soon as ``done`` holds after a request; fail when it does not within ``seconds``."""
        with self._changed:
            assert self._changed.wait_for(done, seconds), (
                f"not reached in {seconds} s; {len(self.requests)} requests kept, {self.refused} refused"
            )

    def wait_for_spans(self, ids: set[bytes], seconds: float = 30.0) -> None:
        """Return as soon as every one of these span ids has arrived."""
        self.wait(lambda: ids <= self.span_ids().keys(), seconds)

    def decoded(self) -> list[ExportTraceServiceRequest]:
        """Return the kept requests, decoded."""
        return [ExportTraceServiceRequest.FromString(body) for body in list(self.requests)]

    def spans(self) -> dict[bytes, Span]:
        """Return the kept spans by span id; of copies the last."""
        return {span.span_id: span for request in self.decoded() for span in spans_of(request)}

    def span_ids(self) -> Counter[bytes]:
        """Return how often each span id arrived."""
        return Counter(span.span_id for request in self.decoded() for span in spans_of(request))

    def _export(self, body: bytes, context: grpc.ServicerContext) -> bytes:
        with self._changed:
            refusal = self.refusals.popleft() if self.refusals else None
            if refusal is None:
                self.requests.append(body)
                self.metadata.append({str(item[0]): item[1] for item in context.invocation_metadata()})
            else:
                self.refused += 1
            self._changed.notify_all()
        if refusal is not None:
            _refuse(context, refusal)
        return b""


def spans_of(request: ExportTraceServiceRequest) -> Iterator[Span]:
    """Yield the spans of a request."""
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            yield from scope.spans


@contextmanager
def listening() -> Iterator[Sink]:
    """Yield a started sink; its port is closed afterwards."""
    sink = Sink()
    sink.start()
    try:
        yield sink
    finally:
        sink.stop()


def _refuse(context: grpc.ServicerContext, refusal: Refusal) -> None:
    if refusal.retry_after is not None:
        delay = Duration()
        delay.FromTimedelta(refusal.retry_after)
        detail = AnyMessage()
        detail.Pack(RetryInfo(retry_delay=delay))
        status = Status(code=refusal.code.value[0], message="refused by the test", details=[detail])
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(refusal.code, "refused by the test")
