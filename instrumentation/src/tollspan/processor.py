"""Stamps the attribution in force on the LLM spans of other instrumentations, so that traces group by customer.

A span processor as ``opentelemetry-sdk`` calls it; the SDK is not imported. Span attributes stay with whoever gets
the application's traces: they do not travel to providers, as Baggage would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from weakref import WeakSet

from opentelemetry import trace
from opentelemetry.context import Context

from tollspan.attribution import NOBODY, current
from tollspan.guarded import guarded

SCOPES: Final = (
    "opentelemetry.instrumentation.genai", "opentelemetry.instrumentation.google_genai",
    "opentelemetry.instrumentation.openai", "opentelemetry.instrumentation.anthropic",
    "opentelemetry.instrumentation.google_generativeai", "opentelemetry.instrumentation.vertexai",
    "opentelemetry.instrumentation.bedrock", "opentelemetry.instrumentation.botocore.bedrock",
    "opentelemetry.instrumentation.langchain", "opentelemetry.instrumentation.llamaindex",
    "opentelemetry.instrumentation.cohere", "opentelemetry.instrumentation.mistralai",
    "opentelemetry.instrumentation.groq", "opentelemetry.instrumentation.ollama",
    "opentelemetry.instrumentation.together", "opentelemetry.instrumentation.watsonx",
    "opentelemetry.instrumentation.crewai", "opentelemetry.instrumentation.writer",
    "openinference.", "openlit.", "logfire.openai", "logfire.anthropic", "langfuse-sdk", "litellm", "traceloop",
    "com.anthropic.sdk", "mistralai", "pydantic-ai", "strands.", "agent_framework", "semantic_kernel",
    "gcp.vertex.agent", "agno", "langsmith", "genkit", "mlflow", "dify",
)  # fmt: skip
"""How the scopes of instrumentations begin that make spans of LLM calls and of what surrounds them."""

MARKS: Final = ("gen_ai.", "llm.", "openinference.", "traceloop.", "langfuse.", "ai.")
"""How the attributes begin that only such spans have; those that are there at the start of the span count."""


class AttributionProcessor:
    """``TracerProvider.add_span_processor(tollspan.AttributionProcessor())``.

    Stamps LLM spans, or with ``every_span`` all of them. What the application has set itself stays. Never raises.
    """

    def __init__(self, *, every_span: bool = False) -> None:
        self.every_span = every_span
        self.active = True

    @guarded
    def on_start(self, span: Any, parent_context: Context | None = None) -> None:
        """Write for whom the span's work is: as its parent's context says, else the current one."""
        if not self.active or not (self.every_span or _of_a_call(span)):
            return
        whose = current(parent_context)
        if whose == NOBODY:  # a parent handed over from elsewhere
            whose = current()
        there = span.attributes or {}
        if missing := {key: value for key, value in whose.attributes().items() if key not in there}:
            span.set_attributes(missing)

    def _on_ending(self, span: Any) -> None:
        """Do nothing: later SDKs call this before a span ends."""

    def on_end(self, span: Any) -> None:
        """Do nothing: what is to be said was said at the start."""

    def shutdown(self) -> None:
        """Stamp no more."""
        self.active = False

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - the SDK's signature
        """Return True: nothing waits here."""
        return True


def _of_a_call(span: Any) -> bool:
    scope = getattr(span, "instrumentation_scope", None)
    attributes: Mapping[str, object] = span.attributes or {}
    return (scope is not None and scope.name.startswith(SCOPES)) or any(key.startswith(MARKS) for key in attributes)


# --- on the application's global tracer provider ------------------------------------------------
_ours = AttributionProcessor()
_ours.active = False
_have_ours: WeakSet[Any] = WeakSet()  # providers; an SDK has no way to take a processor out again


def put_in(*, every_span: bool) -> None:
    """Stamp the spans of the global tracer provider, now or when it is set, if it is one of an SDK. Idempotent."""
    _ours.active, _ours.every_span = True, every_span
    if not isinstance(trace._set_tracer_provider, _Setting):  # noqa: SLF001 - all public ways end in it
        trace._set_tracer_provider = _Setting(trace._set_tracer_provider)  # noqa: SLF001 - as above
    _add_to(trace.get_tracer_provider())


def take_out() -> None:
    """Stamp no more; the processor stays where it is and does nothing."""
    _ours.active = False
    setting = trace._set_tracer_provider  # noqa: SLF001 - as above
    if isinstance(setting, _Setting):
        trace._set_tracer_provider = setting.original  # type: ignore[assignment] # noqa: SLF001 - it was one


class _Setting:
    """Stands in for the function by which a global tracer provider is set."""

    def __init__(self, original: Callable[[trace.TracerProvider, bool], None]) -> None:
        self.original = original

    def __call__(self, tracer_provider: trace.TracerProvider, log: bool) -> None:  # noqa: FBT001 - the API's signature
        self.original(tracer_provider, log)
        if _ours.active:
            _add_to(trace.get_tracer_provider())


@guarded
def _add_to(provider: Any) -> None:
    add = getattr(provider, "add_span_processor", None)
    if add is not None and provider not in _have_ours:
        _have_ours.add(provider)
        add(_ours)
