"""Load for crash tests: calls drawn from a seed, sent over OTLP/gRPC until each is acknowledged, and their list."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from time import time_ns

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
CUSTOMERS = ("acme", "initech", "umbrella", "wayne")
SPANS_A_REQUEST = 8
TRY_S = 5.0
PAUSE_S = 0.05
PACE_S = 0.01  # after each request of a thread: the processor is for the rater
COPIES = 0.1  # share of the requests that are sent once more after they were acknowledged
_CHANNEL = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 100)]


@dataclass(frozen=True, slots=True)
class Sent:
    """One call as the sender knows it."""

    trace_id: str
    customer: str
    input: int
    output: int


@dataclass(frozen=True, slots=True)
class Request:
    """An OTLP request and the calls in it."""

    body: bytes
    calls: tuple[Sent, ...]


def request(seed: int, number: int, at_ns: int) -> Request:
    """Return the request of a number: all but its time is drawn from the seed."""
    random = Random(f"{seed}:{number}")
    message = ExportTraceServiceRequest()
    resource = message.resource_spans.add()
    resource.resource.attributes.append(_attribute("service.name", "load"))
    scope = resource.scope_spans.add()
    scope.scope.name = "tollspan"
    calls = []
    for _ in range(SPANS_A_REQUEST):
        trace_id = random.randbytes(16)
        call = Sent(trace_id.hex(), random.choice(CUSTOMERS), random.randrange(10_000), random.randrange(2_000))
        calls.append(call)
        scope.spans.append(_span(call, random.randbytes(8), at_ns))
    return Request(message.SerializeToString(), tuple(calls))


def _span(call: Sent, span_id: bytes, at_ns: int) -> Span:
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.id": f"resp-{call.trace_id}",
        "gen_ai.usage.input_tokens": call.input,
        "gen_ai.usage.output_tokens": call.output,
        "tollspan.record.id": call.trace_id,
        "tollspan.customer": call.customer,
        "tollspan.user": f"user-{call.trace_id[:2]}@example.com",
    }
    return Span(
        trace_id=bytes.fromhex(call.trace_id),
        span_id=span_id,
        name="chat",
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=at_ns,
        end_time_unix_nano=at_ns + 1_000_000,
        attributes=[_attribute(key, value) for key, value in attributes.items()],
    )


def _attribute(key: str, value: str | int) -> KeyValue:
    if isinstance(value, int):
        return KeyValue(key=key, value=AnyValue(int_value=value))
    return KeyValue(key=key, value=AnyValue(string_value=value))


@dataclass(slots=True)
class Log:
    """What the sender knows: every call that was acknowledged, by trace id, and how many requests it took."""

    acknowledged: dict[str, Sent] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)


class Sender:
    """Sends requests from some threads until it is stopped; each is repeated until it is acknowledged.

    A request whose acknowledgement a kill swallowed is sent again with the same ids, as a Collector does it.
    """

    def __init__(self, address: str, seed: int, threads: int = 3) -> None:
        self.log = Log()
        self._address, self._seed = address, seed
        self._numbers = itertools.count()
        self._stop, self._given_up = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, name=f"load-{number}") for number in range(threads)]

    def start(self) -> None:
        """Begin to send."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> Log:
        """Begin nothing new, repeat what is under way until it is acknowledged, return the list."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        return self.log

    def give_up(self) -> None:
        """End at once, whatever is not acknowledged; for the end of a test that failed."""
        self._given_up.set()
        self.stop()

    def _run(self) -> None:
        with grpc.insecure_channel(self._address, options=_CHANNEL) as channel:
            export = channel.unary_unary(EXPORT)
            while not self._stop.is_set():
                with self._lock:
                    number = next(self._numbers)
                made = request(self._seed, number, time_ns())
                self._deliver(export, made)
                with self._lock:
                    self.log.acknowledged.update((call.trace_id, call) for call in made.calls)
                if Random(number).random() < COPIES:
                    self._deliver(export, made)
                self._stop.wait(PACE_S)

    def _deliver(self, export: grpc.UnaryUnaryMultiCallable[bytes, bytes], made: Request) -> None:
        tries = 0
        while not self._given_up.is_set():
            tries += 1
            try:
                export(made.body, timeout=TRY_S)
            except grpc.RpcError:
                self._given_up.wait(PAUSE_S)
            else:
                break
        with self._lock:
            self.log.requests["acknowledged"] += 1
            self.log.requests["tried again"] += tries - 1
