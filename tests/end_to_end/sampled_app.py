"""An application that traces every tenth request: ``sampled_app.py REQUESTS KEPT``.

Each request is a span of the application's own around one more, and a call below that. What the application exported
is written to the file KEPT, as one OTLP request.
"""

import random
import sys
from collections.abc import Sequence
from pathlib import Path

from openai import OpenAI
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

import tollspan

SHARE = 0.1
requests, kept = int(sys.argv[1]), Path(sys.argv[2])


class Ids(IdGenerator):
    """The same ids, and so the same sampled traces, each time."""

    def __init__(self) -> None:
        self._drawn = random.Random(7)  # noqa: S311 - the same again is the point

    def generate_trace_id(self) -> int:
        return self._drawn.getrandbits(128)

    def generate_span_id(self) -> int:
        return self._drawn.getrandbits(64)


class Keep(SpanExporter):
    """Remembers what was exported."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans.extend(spans)
        return SpanExportResult.SUCCESS


keep = Keep()
provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(SHARE)), id_generator=Ids())
for exporter in (keep, OTLPSpanExporter()):
    provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
tollspan.install()
client = OpenAI()
tracer = trace.get_tracer("shop")
for number in range(requests):
    with (
        tracer.start_as_current_span("request", attributes={"input.value": f"question {number}"}),
        tracer.start_as_current_span("answer"),
        tollspan.attribute(customer=f"sampled{number % 3}", feature="support"),
    ):
        client.chat.completions.create(model="gpt-4.1", messages=[{"role": "user", "content": f"question {number}"}])
provider.shutdown()
kept.write_bytes(encode_spans(keep.spans).SerializeToString())
