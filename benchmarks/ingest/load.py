"""The load generator: a process of its own that sends serialised requests over gRPC and keeps the times."""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import asdict, dataclass
from itertools import count

import grpc

from benchmarks.ingest.spans import Load

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
CLIENTS = 8
DEADLINE_S = 60.0
PAUSE_S = 0.05  # after a refusal


@dataclass(frozen=True, slots=True)
class Sent:
    """What one run of the load saw; a request's time counts from when it was due until its OK."""

    spans: int
    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    refused: int

    @property
    def per_second(self) -> float:
        """Spans acknowledged a second."""
        return self.spans / self.seconds


def send(target: str, load: Load, per_second: float) -> Sent:
    """Send a load with 8 clients, as fast as they are answered or at a rate of spans a second."""
    requests = list(load.requests())
    interval = load.per_request / per_second if per_second else 0.0
    turn, lock = count(), threading.Lock()
    times: list[float] = []
    refused = [0]
    begin = time.perf_counter()

    def client() -> None:
        with grpc.insecure_channel(target, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            export = channel.unary_unary(EXPORT)
            while True:
                with lock:
                    number = next(turn)
                if number >= len(requests):
                    return
                due = begin + number * interval if interval else time.perf_counter()
                time.sleep(max(0.0, due - time.perf_counter()))
                refused[0] += until_taken(export, requests[number])
                times.append(time.perf_counter() - due)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begin
    times.sort()
    p50, p99 = (1_000 * times[int(len(times) * share)] for share in (0.5, 0.99))
    return Sent(load.spans, len(requests), seconds, p50, p99, refused[0])


def until_taken(export: grpc.UnaryUnaryMultiCallable[bytes, bytes], request: bytes) -> int:
    """Send a request until it is acknowledged; return how often it was refused before."""
    for refused in count():
        try:
            export(request, timeout=DEADLINE_S)
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            time.sleep(PAUSE_S)
        else:
            return refused
    return 0


if __name__ == "__main__":
    spans, per_request, seed, first_ns, rate = (int(value) for value in sys.argv[2:])
    print(json.dumps(asdict(send(sys.argv[1], Load(spans, per_request, seed, first_ns), rate))))
