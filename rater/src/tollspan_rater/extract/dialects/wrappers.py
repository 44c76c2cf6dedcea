"""Instrumentations that wrap a provider's SDK: OpenLLMetry (Traceloop), OpenLIT, OpenInference, Langfuse."""

from __future__ import annotations

from typing import Final

from tollspan_rater.domain.fates import Role
from tollspan_rater.extract.dialects.otel import KEYS, ROLES
from tollspan_rater.extract.dialects.table import (
    OPENINFERENCE,
    SDK_WRAPPER,
    Dialect,
    Inside,
    RawUsage,
    When,
    merged,
)

_T: Final = "opentelemetry.instrumentation."
_TRACELOOP_CONTENT: Final = frozenset(
    {
        "traceloop.entity.input",
        "traceloop.entity.output",
        "llm.prompts",
        "llm.completions",
        "llm.content.completion.chunk",
        "llm.request.functions",
        "llm.headers",
        "llm.user",
    },
)

TRACELOOP: Final = Dialect(
    name="traceloop",
    version=1,
    rank=SDK_WRAPPER,
    scopes=tuple(
        _T + name
        for name in (
            "openai.v1",
            "openai.v0",
            "langchain",
            "cohere",
            "mistralai",
            "groq",
            "ollama",
            "together",
            "writer",
            "alephalpha",
            "watsonx",
            "openai_agents",
            "llamaindex",
            "crewai",
            "haystack",
            "agno",
            "mcp",
        )
    ),
    scope_prefixes=("traceloop.", "@traceloop/"),
    markers=("traceloop.span.kind",),
    keys=KEYS,
    roles=ROLES,
    content=_TRACELOOP_CONTENT,
    content_prefixes=("llm.prompts.", "llm.completions.", "llm.request.functions.", "traceloop.prompt.template"),
    kept_prefixes=("traceloop.",),
)
# A stream's output is the placeholder of its first event plus the count of its last.
TRACELOOP_ANTHROPIC: Final = Dialect(
    name="traceloop.anthropic",
    version=1,
    rank=SDK_WRAPPER,
    scopes=(_T + "anthropic",),
    keys=KEYS,
    roles=ROLES,
    stream_quality="derived",
)
TRACELOOP_BEDROCK: Final = Dialect(
    name="traceloop.bedrock",
    version=1,
    rank=SDK_WRAPPER,
    scopes=(_T + "bedrock",),
    keys=KEYS,
    roles=ROLES,
    input_excludes_cache="always",
)
# Candidates only: thoughts and tool use are in the total, but cannot be told apart there.
TRACELOOP_GOOGLE: Final = Dialect(
    name="traceloop.google",
    version=1,
    rank=SDK_WRAPPER,
    scopes=(_T + "google_generativeai",),
    keys=KEYS,
    roles=ROLES,
    output_excludes_reasoning=True,
)

_OPENLIT: Final = "openlit.instrumentation."
OPENLIT: Final = Dialect(
    name="openlit",
    version=1,
    rank=SDK_WRAPPER + 1,
    scope_prefixes=(_OPENLIT,),
    keys=KEYS,
    roles=ROLES,
    uncached_stream_quality="estimated",
)
OPENLIT_EXCLUSIVE: Final = Dialect(
    name="openlit.exclusive",
    version=1,
    rank=SDK_WRAPPER + 1,
    scopes=(_OPENLIT + "anthropic", _OPENLIT + "bedrock"),
    keys=KEYS,
    roles=ROLES,
    input_excludes_cache="always",
    uncached_stream_quality="estimated",
)
OPENLIT_GOOGLE: Final = Dialect(
    name="openlit.google",
    version=1,
    rank=SDK_WRAPPER + 1,
    scopes=(_OPENLIT + "google_ai_studio", _OPENLIT + "vertexai"),
    keys=KEYS,
    roles=ROLES,
    output_excludes_reasoning=True,
    uncached_stream_quality="estimated",
)

# https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md
OPENINFERENCE_SPANS: Final = Dialect(
    name="openinference",
    version=1,
    rank=OPENINFERENCE,
    scope_prefixes=("openinference.instrumentation.", "@arizeai/openinference-"),
    markers=("openinference.span.kind",),
    keys=merged(
        {
            "input": ("llm.token_count.prompt",),
            "output": ("llm.token_count.completion",),
            "cache_read": ("llm.token_count.prompt_details.cache_read",),
            "cache_write": ("llm.token_count.prompt_details.cache_write",),
            "audio_in": ("llm.token_count.prompt_details.audio",),
            "reasoning": ("llm.token_count.completion_details.reasoning",),
            "audio_out": ("llm.token_count.completion_details.audio",),
            "total": ("llm.token_count.total",),
            "provider": ("llm.provider", "llm.system"),
            "request_model": (
                "llm.request.model_name",
                "llm.model_name",
                "embedding.model_name",
                "reranker.model_name",
            ),
            "response_model": ("llm.response.model_name", "llm.model_name", "embedding.model_name"),
            "cost": ("llm.cost.total",),
        },
        KEYS,
    ),
    roles=(
        When(
            "openinference.span.kind",
            {"LLM": Role.CALL, "EMBEDDING": Role.CALL, "RERANKER": Role.CALL},
            other=Role.AGGREGATE,
        ),
        *ROLES,
    ),
    raw=(RawUsage("output.value", ("usage",)),),
    inside=(
        Inside(
            "response_id",
            "output.value",
            (("id",), ("responseId",), ("response_id",), ("llm_output", "id")),
        ),
    ),
    content=frozenset(
        {
            "input.value",
            "output.value",
            "llm.invocation_parameters",
            "llm.prompt_template.template",
            "llm.prompt_template.variables",
            "embedding.text",
            "tool.parameters",
            "tool_call.function.arguments",
            "metadata",
            "reranker.query",
            "retrieval.documents",
        },
    ),
    content_prefixes=(
        "llm.input_messages.",
        "llm.output_messages.",
        "llm.prompts.",
        "llm.choices.",
        "llm.tools.",
        "embedding.embeddings.",
        "reranker.input_documents.",
        "reranker.output_documents.",
        "retrieval.documents.",
    ),
    reduced=frozenset({"output.value"}),
)

_LANGFUSE: Final = "langfuse.observation."
LANGFUSE: Final = Dialect(
    name="langfuse",
    version=1,
    rank=OPENINFERENCE + 1,
    scopes=("langfuse-sdk",),
    markers=(_LANGFUSE + "type",),
    keys=merged(
        {
            "request_model": (_LANGFUSE + "model.name",),
            "response_model": (_LANGFUSE + "model.name",),
            "finish": (_LANGFUSE + "metadata.finish_reason",),
        },
        KEYS,
    ),
    roles=(
        When(_LANGFUSE + "type", {"generation": Role.CALL, "embedding": Role.CALL}, other=Role.AGGREGATE),
        *ROLES,
    ),
    raw=(RawUsage(_LANGFUSE + "usage_details"),),
    content=frozenset(
        {
            _LANGFUSE + "input",
            _LANGFUSE + "output",
            _LANGFUSE + "status_message",
            "langfuse.trace.input",
            "langfuse.trace.output",
        },
    ),
)

DIALECTS: Final = (
    TRACELOOP,
    TRACELOOP_ANTHROPIC,
    TRACELOOP_BEDROCK,
    TRACELOOP_GOOGLE,
    OPENLIT_EXCLUSIVE,
    OPENLIT_GOOGLE,
    OPENLIT,
    OPENINFERENCE_SPANS,
    LANGFUSE,
)
