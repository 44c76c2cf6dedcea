"""A real gRPC client against the gRPC door: what each hostile request is answered."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from tollspan_rater.errors import ConfigError, JournalError, OverloadedError
from tollspan_rater.ingest.address import Tls
from tollspan_rater.ingest.admission import Refusal
from tollspan_rater.ingest.otlp_grpc import TRACE_SERVICE, GrpcReceiver

EXPORT = f"/{TRACE_SERVICE}/Export"
BODY = b"\x0a\x02\x12\x00"


def export(door: GrpcReceiver, body: bytes, token: str | None = None, **options: Any) -> Any:
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    with grpc.insecure_channel(f"127.0.0.1:{door.port}", options=(("grpc.max_send_message_length", -1),)) as channel:
        call = channel.unary_unary(EXPORT)
        return call(body, timeout=20, metadata=metadata, **options)


def refused(
    door: GrpcReceiver, body: bytes, token: str | None = None, **options: Any
) -> tuple[grpc.StatusCode, int | None]:
    """Return code and RetryInfo seconds of a refusal."""
    with pytest.raises(grpc.RpcError) as caught:
        export(door, body, token, **options)
    error: Any = caught.value
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = Status.FromString(value)
            assert status.code == error.code().value[0]
            assert status.message == error.details()
            for detail in status.details:
                info = RetryInfo()
                assert detail.Unpack(info)
                return error.code(), info.retry_delay.seconds
    return error.code(), None


def test_what_is_stored_is_answered_with_plain_ok(grpc_door: GrpcReceiver, rig: Any) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{grpc_door.port}") as channel:
        stub = trace_service_pb2_grpc.TraceServiceStub(channel)
        answer = stub.Export(trace_service_pb2.ExportTraceServiceRequest())
        assert not answer.HasField("partial_success")
    for body in (BODY, b"hello world"):
        assert export(grpc_door, body) == b""
    assert export(grpc_door, BODY, "good", compression=grpc.Compression.Gzip) == b""
    assert [(batch.tenant, batch.sender) for batch in rig.batches] == [("default", "127.0.0.1")] * 3 + [
        ("acme", "key-7")
    ]


def test_a_wrong_key_waits_or_is_rejected(rig: Any, reject: bool) -> None:
    door = GrpcReceiver(rig.admission(reject=reject), "127.0.0.1:0")
    door.start()
    expected = (grpc.StatusCode.UNAUTHENTICATED, None) if reject else (grpc.StatusCode.UNAVAILABLE, 5)
    assert refused(door, BODY, "wrong") == expected
    assert rig.batches == []
    door.stop(0)


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_an_oversized_request_is_final(grpc_door: GrpcReceiver, rig: Any, compression: grpc.Compression) -> None:
    """Plain or as a bomb: 32 MiB of zeros are 32 KiB of gzip."""
    assert refused(grpc_door, bytes(32 << 20), compression=compression) == (grpc.StatusCode.RESOURCE_EXHAUSTED, None)
    assert rig.batches == []


def test_two_million_empty_spans_are_final(grpc_door: GrpcReceiver, rig: Any) -> None:
    spans = 2_090_000
    inner = b"\x12\x00" * spans
    scope = b"\x12" + length(len(inner)) + inner
    assert refused(grpc_door, b"\x0a" + length(len(scope)) + scope) == (grpc.StatusCode.RESOURCE_EXHAUSTED, None)
    assert rig.batches == []


def length(size: int) -> bytes:
    written = bytearray()
    while size > 0x7F:
        written.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*written, size])


@pytest.mark.parametrize(
    "failure",
    [OverloadedError(5, 4), JournalError("no space"), RuntimeError("a bug"), KeyError("x"), MemoryError()],
)
def test_every_failure_asks_to_come_again(grpc_door: GrpcReceiver, rig: Any, failure: Exception) -> None:
    rig.failure = failure
    assert refused(grpc_door, BODY) == (grpc.StatusCode.UNAVAILABLE, 5)
    rig.failure = None
    assert export(grpc_door, BODY) == b""


def test_a_backlog_asks_to_come_again(grpc_door: GrpcReceiver, rig: Any) -> None:
    rig.refusal = Refusal("the disk is nearly full", 60)
    assert refused(grpc_door, BODY) == (grpc.StatusCode.UNAVAILABLE, 60)


def test_an_admission_that_throws_asks_to_come_again(
    grpc_door: GrpcReceiver, rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grpc_door._admission, "receive", None)
    assert refused(grpc_door, BODY) == (grpc.StatusCode.UNAVAILABLE, 5)


def test_metrics_are_not_taken(grpc_door: GrpcReceiver) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{grpc_door.port}") as channel:
        stub = metrics_service_pb2_grpc.MetricsServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            stub.Export(metrics_service_pb2.ExportMetricsServiceRequest())
        error: Any = caught.value
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED


def test_health_follows_the_life_of_the_door(rig: Any) -> None:
    door = GrpcReceiver(rig.admission(), "127.0.0.1:0")
    door.start()
    with grpc.insecure_channel(f"127.0.0.1:{door.port}") as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=TRACE_SERVICE))
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        check = health_pb2_grpc.HealthStub(channel).Check
        assert check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.SERVING
        door.stop(1)
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING


def test_an_address_without_protection_is_refused(rig: Any) -> None:
    with pytest.raises(ConfigError, match="mTLS"):
        GrpcReceiver(rig.admission(), "0.0.0.0:0")


def test_an_address_in_use_is_refused(rig: Any, grpc_door: GrpcReceiver) -> None:
    with pytest.raises(ConfigError, match="free port"):
        GrpcReceiver(rig.admission(), f"127.0.0.1:{grpc_door.port}")


def test_a_broken_certificate_is_refused(rig: Any) -> None:
    with pytest.raises(ConfigError, match="receiver"):
        GrpcReceiver(rig.admission(), "127.0.0.1:0", tls=Tls(b"no", b"pem"))


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Make a self-signed certificate for loopback, which is its own authority."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificates of this test and is not installed")
    folder = tmp_path_factory.mktemp("tls")
    command = f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run([*command.split(), *names], cwd=folder, check=True, capture_output=True)
    return {name: (folder / f"{name}.pem").read_bytes() for name in ("key", "cert")}


def test_a_client_without_a_certificate_stays_outside(rig: Any, certificates: dict[str, bytes]) -> None:
    key, cert = certificates["key"], certificates["cert"]
    door = GrpcReceiver(rig.admission(), "0.0.0.0:0", tls=Tls(cert, key, client_ca=cert))
    door.start()
    for credentials, status in [
        (grpc.ssl_channel_credentials(cert, key, cert), None),
        (grpc.ssl_channel_credentials(cert), grpc.StatusCode.UNAVAILABLE),
    ]:
        with grpc.secure_channel(f"localhost:{door.port}", credentials) as channel:
            try:
                assert channel.unary_unary(EXPORT)(BODY, timeout=20) == b""
                assert status is None
            except grpc.RpcError as error:
                failed: Any = error
                assert failed.code() is status
    door.stop(0)
    assert len(rig.batches) == 1
