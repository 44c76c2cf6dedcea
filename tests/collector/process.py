"""A real Collector as a child process: start it, kill it, stop it, send to it, ask for its metrics."""

from __future__ import annotations

import itertools
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import grpc
import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.child import Child
from tests.collector.recordings import requests_in

REPOSITORY = Path(__file__).parents[2]
CONFIG_FOLDER = REPOSITORY / "collector-config"
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
START_SECONDS = 20.0
PAUSE_SECONDS = 0.02
FIRST_PORT, PORTS = 20_000, 1_500  # of the first of 8 workers; the system gives connections those from 32768 on
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
_BEGIN = os.getpid() % PORTS  # two runs on one machine rarely begin at the same one
_PORTS = itertools.cycle(FIRST_PORT + _WORKER * PORTS + (_BEGIN + number) % PORTS for number in range(PORTS))


def find_binary() -> Path | None:
    """Return the Collector that `make collector` built, None when there is none for the present manifest."""
    asked = subprocess.run([CONFIG_FOLDER / "build", "--print-path"], capture_output=True, text=True, check=False)
    return Path(asked.stdout.strip()) if asked.returncode == 0 else None


def free_ports(count: int) -> list[int]:
    """Return different loopback ports that nobody listens on at this moment, and that nobody else is given.

    They lie below those that the system gives to connections, and each worker has a part of them for itself: a program
    finds its address free when it comes back after a kill.
    """
    found: list[int] = []
    for port in _PORTS:
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
            probe.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            break
    return found


class CollectorProcess(Child):
    """A Collector with the shipped configuration, ports of its own and its queue under ``folder``.

    The ports and the queue stay the same over ``kill`` and ``start``, as after a crash on a real machine.
    ``rater`` is host:port of the OTLP/gRPC receiver behind it; ``overlays`` are names of further files in
    collector-config; ``environment`` adds to or overrides the variables that the configuration reads.
    """

    def __init__(
        self,
        binary: Path,
        folder: Path,
        rater: str,
        overlays: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(folder / "collector.log")
        *ports, self._metrics_port = free_ports(4)
        self.grpc, self.http, self.health = (f"127.0.0.1:{port}" for port in ports)
        self.queue = folder / "queue"
        self._command = [str(binary)]
        for name in ("collector.yaml", *overlays):
            self._command += ["--config", str(CONFIG_FOLDER / name)]
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TOLLSPAN_")},
            "TOLLSPAN_COLLECTOR_GRPC": self.grpc,
            "TOLLSPAN_COLLECTOR_HTTP": self.http,
            "TOLLSPAN_COLLECTOR_HEALTH": self.health,
            "TOLLSPAN_COLLECTOR_METRICS_PORT": str(self._metrics_port),
            "TOLLSPAN_COLLECTOR_QUEUE": str(self.queue),
            "TOLLSPAN_RATER_OTLP": rater,
            **(environment or {}),
        }
        self._client = httpx.Client(timeout=30, trust_env=False)

    def start(self) -> None:
        """Start the Collector and return when its health check answers 200."""
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=self._environment)
        try:
            self._poll(self._healthy, START_SECONDS)
        except TimeoutError:
            self.kill()
            raise

    def metric(self, name: str) -> float:
        """Return the sum of one of its own metrics over all label sets; 0 when it is not there yet."""
        page = self._client.get(f"http://127.0.0.1:{self._metrics_port}/metrics").text
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", page, re.MULTILINE))

    def wait_metric(self, name: str, value: float, seconds: float = 20.0) -> None:
        """Return as soon as a metric has reached a value; counters are written shortly after what they count."""
        self._poll(lambda: self.metric(name) >= value, seconds)

    def post_json(self, line: str) -> None:
        """Post one OTLP/JSON request.

        Raises:
            httpx.HTTPStatusError: the Collector did not acknowledge it.
        """
        self._post(line.encode(), "application/json")

    def post(self, request: ExportTraceServiceRequest) -> None:
        """Post one OTLP/protobuf request.

        Raises:
            httpx.HTTPStatusError: the Collector did not acknowledge it.
        """
        self._post(request.SerializeToString(), "application/x-protobuf")

    def export(self, request: ExportTraceServiceRequest, seconds: float = 30.0) -> None:
        """Send one request over OTLP/gRPC.

        Raises:
            grpc.RpcError: the Collector did not acknowledge it within ``seconds``.
        """
        with grpc.insecure_channel(self.grpc) as channel:
            call = channel.unary_unary(EXPORT, ExportTraceServiceRequest.SerializeToString, bytes)
            call(request, timeout=seconds)

    def send_file(self, path: Path) -> int:
        """Post a file of OTLP/JSON requests, one a line; return how many requests were acknowledged."""
        requests = requests_in(path)
        for request in requests:
            self.post_json(request)
        return len(requests)

    def _poll(self, done: Callable[[], bool], seconds: float) -> None:
        """Return when ``done`` holds; raise TimeoutError with the log after ``seconds`` or when the process ended."""
        if self._process is None:
            raise RuntimeError("the Collector is not running: call start() first")
        deadline = time.monotonic() + seconds
        while not done():
            try:
                ended = self._process.wait(PAUSE_SECONDS) is not None
            except subprocess.TimeoutExpired:
                ended = False
            if ended or time.monotonic() > deadline:
                raise TimeoutError(f"not reached in {seconds} s (exit {self._process.returncode}):\n{self.log()}")

    def _post(self, body: bytes, content_type: str) -> None:
        url = f"http://{self.http}/v1/traces"
        self._client.post(url, content=body, headers={"Content-Type": content_type}).raise_for_status()

    def _healthy(self) -> bool:
        try:
            return self._client.get(f"http://{self.health}/").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


@contextmanager
def running(collector: CollectorProcess) -> Iterator[CollectorProcess]:
    """Start a Collector for the length of a ``with`` block; nothing is left running after it."""
    collector.start()
    try:
        yield collector
    finally:
        collector.kill()
