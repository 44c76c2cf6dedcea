"""Span rules for what instrumentations name already: tool calls, agent runs, workflows, retrievals, rerankings.

They hold where a file of rules takes them in (``built_in:``). Sources: OpenTelemetry's GenAI conventions
(``gen_ai.operation.name``), OpenInference (``openinference.span.kind``), OpenLLMetry (``traceloop.span.kind``),
Langfuse (``langfuse.observation.type``), LangSmith (``langsmith.span.kind``), LoongSuite (``gen_ai.span.kind``),
the Vercel AI SDK (``ai.operationId``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tollspan_rater.extract.condition import Condition
from tollspan_rater.extract.span_rule import SpanRule

_OPERATION: Final = ("otel", "gen_ai.operation.name")
_OPENINFERENCE: Final = ("openinference", "openinference.span.kind")
_TRACELOOP: Final = ("openllmetry", "traceloop.span.kind")
_LANGFUSE: Final = ("langfuse", "langfuse.observation.type")
_LANGSMITH: Final = ("langsmith", "langsmith.span.kind")
_LOONGSUITE: Final = ("loongsuite", "gen_ai.span.kind")
_VERCEL: Final = ("vercel", "ai.operationId")

# Meter -> which attribute of whom, and the value that names one unit of it.
_NAMED: Final[Mapping[str, tuple[tuple[tuple[str, str], str], ...]]] = {
    "tool_call": (
        (_OPERATION, "execute_tool"),
        (_OPENINFERENCE, "TOOL"),
        (_TRACELOOP, "tool"),
        (_LANGFUSE, "tool"),
        (_LANGSMITH, "tool"),
        (_LOONGSUITE, "TOOL"),
        (_VERCEL, "ai.toolCall"),
    ),
    "agent_run": (
        (_OPERATION, "invoke_agent"),
        (_OPENINFERENCE, "AGENT"),
        (_TRACELOOP, "agent"),
        (_LANGFUSE, "agent"),
        (_LOONGSUITE, "AGENT"),
    ),
    "workflow_run": (
        (_OPERATION, "invoke_workflow"),
        (_TRACELOOP, "workflow"),
    ),
    "retrieval": (
        (_OPERATION, "retrieval"),
        (_OPENINFERENCE, "RETRIEVER"),
        (_LANGFUSE, "retriever"),
        (_LANGSMITH, "retriever"),
        (_LOONGSUITE, "RETRIEVER"),
    ),
    "rerank": (
        (_OPERATION, "rerank"),
        (_OPENINFERENCE, "RERANKER"),
        (_LOONGSUITE, "RERANKER"),
    ),
}
BUILT_IN: Final[tuple[SpanRule, ...]] = tuple(
    SpanRule(f"{meter}.{who}", meter, (Condition("span", key, "is", (value,)),))
    for meter, named in _NAMED.items()
    for (who, key), value in named
)
BUILT_IN_METERS: Final = tuple(_NAMED)
BUILT_IN_KEYS: Final = frozenset(condition.key for rule in BUILT_IN for condition in rule.when)
"""The attributes that these rules read: kept at decoding, and passed by the Collector, whichever rules hold."""
