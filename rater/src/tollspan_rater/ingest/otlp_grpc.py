"""OTLP/gRPC: TraceService/Export on raw bytes, and grpc.health.v1.

A Collector throws a request away on every code but a few, and on RESOURCE_EXHAUSTED without RetryInfo
(opentelemetry-proto, specification, "OTLP/gRPC Response"), so everything unexpected is UNAVAILABLE with RetryInfo.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from tollspan_rater.errors import ConfigError
from tollspan_rater.ingest.address import Tls, peer_host, require_protection
from tollspan_rater.ingest.admission import Admission, Kind, Outcome, Refused

TRACE_SERVICE = "opentelemetry.proto.collector.trace.v1.TraceService"
SETTING = "receiver.grpc"
DEFAULT_WORKERS = 16
_STORED = b""  # an ExportTraceServiceResponse without partial_success

_CODES = {
    Kind.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Kind.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
    Kind.TOO_LARGE: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Kind.MALFORMED: grpc.StatusCode.INVALID_ARGUMENT,
    Kind.UNSUPPORTED: grpc.StatusCode.UNIMPLEMENTED,
}

log = logging.getLogger(__name__)


class GrpcReceiver:
    """The gRPC door. Metrics and logs are answered UNIMPLEMENTED: nothing here would ever count them."""

    def __init__(
        self,
        admission: Admission,
        address: str,
        *,
        keys_required: bool = False,
        tls: Tls | None = None,
        workers: int = DEFAULT_WORKERS,
    ) -> None:
        """Bind the address; nothing is served before ``start``.

        Raises:
            ConfigError: for an address that other machines reach without protection, or that cannot be bound.
        """
        require_protection(address, SETTING, keys_required=keys_required, tls=tls)
        self._admission = admission
        self._health = health.HealthServicer()
        self._server = grpc.server(
            ThreadPoolExecutor(workers, thread_name_prefix="otlp-grpc"),
            options=(
                ("grpc.max_receive_message_length", admission.limits.message_bytes),
                ("grpc.so_reuseport", 0),
            ),
        )
        handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(self._export)
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(TRACE_SERVICE, {"Export": handler}),),
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self.port = self._bind(address, tls)

    def start(self) -> None:
        """Serve, and say so to health checks."""
        self._server.start()
        self._tell(health_pb2.HealthCheckResponse.SERVING)

    def stop(self, grace_seconds: float) -> None:
        """Say NOT_SERVING, take no new request, let those under way end, then stop."""
        self._tell(health_pb2.HealthCheckResponse.NOT_SERVING)
        self._server.stop(grace_seconds).wait()

    def _bind(self, address: str, tls: Tls | None) -> int:
        try:
            if tls is None:
                return self._server.add_insecure_port(address)
            credentials = grpc.ssl_server_credentials(
                [(tls.key, tls.certificate)], tls.client_ca, require_client_auth=tls.client_ca is not None
            )
            return self._server.add_secure_port(address, credentials)
        except RuntimeError as error:
            raise ConfigError(SETTING, address, "configuration", f"{error}; choose a free port") from error

    def _tell(self, status: Any) -> None:
        for service in ("", TRACE_SERVICE):
            self._health.set(service, status)

    def _export(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        outcome = self._outcome(request, context)
        if isinstance(outcome, Refused):
            _abort(context, outcome)
        return _STORED

    def _outcome(self, request: bytes, context: grpc.ServicerContext) -> Outcome:
        try:
            headers = {name: value for name, value in context.invocation_metadata() if isinstance(value, str)}
            left = context.time_remaining()
            return self._admission.receive(request, "otlp-proto", headers, peer_host(context.peer()), left)
        except Exception:  # grpc would answer UNKNOWN, on which a Collector throws the data away
            log.exception("export failed")
            return Refused(self._admission.limits.retry_seconds, "the receiver failed", Kind.UNAVAILABLE)


def _abort(context: grpc.ServicerContext, refused: Refused) -> NoReturn:
    code = _CODES[refused.kind]
    status = Status(code=code.value[0], message=refused.message)
    if refused.retry_after is not None:
        detail = AnyMessage()
        detail.Pack(RetryInfo(retry_delay=Duration(seconds=refused.retry_after)))
        status.details.append(detail)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, refused.message)
