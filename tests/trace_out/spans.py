"""An endpoint that keeps the money spans it takes, and what they say, read with the classes of protobuf."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.server.conftest import SECOND, Bench
from tollspan_rater.trace_out.outbox import Outbox
from tollspan_rater.trace_out.target import NotNow, Taken
from tollspan_rater.trace_out.teller import Bounds
from tollspan_rater.trace_out.trace_out import TraceOut

QUIET = 30 * SECOND
BOUNDS = Bounds(QUIET, 1_000, 1_000)


class Kept:
    """An endpoint: gives ``answers`` first, in order, then takes everything."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.answers: deque[Taken | NotNow] = deque()

    def send(self, body: bytes, spans: int) -> Taken | NotNow:  # noqa: ARG002 - as every endpoint
        answer = self.answers.popleft() if self.answers else Taken()
        if isinstance(answer, Taken):
            self.requests.append(body)
        return answer

    def close(self) -> None:
        pass

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for body in self.requests
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


def attributes(span: Span) -> dict[str, Any]:
    """The attributes of a span as Python has them."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value") or "") for one in span.attributes}


def rest(bench: Bench) -> None:
    """Let the quiet time pass."""
    bench.clock.set(bench.clock.now_ns() + QUIET + SECOND)


@contextmanager
def telling(bench: Bench, kept: Kept, bounds: Bounds = BOUNDS) -> Iterator[TraceOut]:
    """What ``serve`` runs, to be stepped by hand."""
    bench.rater  # noqa: B018 - it makes the folder
    outbox = Outbox(bench.folder.trace_outbox)
    made = TraceOut(lambda: bench.rater.asker.scope("default"), outbox, kept, bench.clock, bounds)
    try:
        yield made
    finally:
        made.stop()
