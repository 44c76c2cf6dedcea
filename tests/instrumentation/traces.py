"""An application's tracer provider and its finished spans."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.util._once import Once


@dataclass(frozen=True)
class Traces:
    provider: TracerProvider
    exporter: InMemorySpanExporter

    def tracer(self, scope: str = "shop") -> trace.Tracer:
        return self.provider.get_tracer(scope)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    def named(self, name: str) -> ReadableSpan:
        (span,) = [span for span in self.spans if span.name == name]
        return span


def made() -> Traces:
    """Make a provider that nobody has registered."""
    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Traces(provider, exporter)


@contextmanager
def unset() -> Iterator[None]:
    """Be in a process whose global tracer provider nobody has set yet; afterwards all is as it was."""
    before, once = trace._TRACER_PROVIDER, trace._TRACER_PROVIDER_SET_ONCE
    trace._TRACER_PROVIDER, trace._TRACER_PROVIDER_SET_ONCE = None, Once()
    try:
        yield
    finally:
        trace._TRACER_PROVIDER, trace._TRACER_PROVIDER_SET_ONCE = before, once


@contextmanager
def registered() -> Iterator[Traces]:
    """Be in a process with a global tracer provider."""
    with unset():
        found = made()
        trace.set_tracer_provider(found.provider)
        yield found
