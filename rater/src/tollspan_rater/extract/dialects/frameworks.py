"""Frameworks and gateways that write spans of their own: Vercel AI, pydantic-ai, Logfire, Strands, LiteLLM and kin."""

from __future__ import annotations

from typing import Final

from tollspan_rater.domain.fates import Role
from tollspan_rater.extract.dialects.otel import KEYS, ROLES
from tollspan_rater.extract.dialects.table import (
    FOREIGN_RAW,
    FRAMEWORK,
    FRAMEWORK_OTEL,
    SPAN_NAME,
    Dialect,
    Inside,
    RawUsage,
    When,
    merged,
)

_META: Final = "ai.response.providerMetadata"

VERCEL: Final = Dialect(
    name="vercel",
    version=1,
    rank=FRAMEWORK,
    scopes=("ai",),
    markers=("ai.operationId",),
    keys=merged(
        {
            "input": ("ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens"),
            "output": ("ai.usage.outputTokens", "ai.usage.completionTokens"),
            "cache_read": ("ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.cachedInputTokens"),
            "cache_write": ("ai.usage.inputTokenDetails.cacheWriteTokens",),
            "reasoning": ("ai.usage.outputTokenDetails.reasoningTokens", "ai.usage.reasoningTokens"),
            "total": ("ai.usage.totalTokens",),
            "request_model": ("ai.model.id",),
            "response_model": ("ai.response.model",),
            "response_id": ("gen_ai.response.id", "ai.response.id"),
            "provider": ("ai.model.provider",),
            "operation": ("ai.operationId",),
            "finish": ("ai.response.finishReason",),
            "ttft_ms": ("ai.response.msToFirstChunk",),
        },
        KEYS,
    ),
    roles=(
        When(
            "ai.operationId",
            suffixes={".doGenerate": Role.CALL, ".doStream": Role.CALL, ".doEmbed": Role.CALL},
            other=Role.AGGREGATE,
        ),
        *ROLES,
    ),
    raw=(RawUsage(_META, ("anthropic", "usage"), "anthropic.messages"),),
    inside=(
        Inside(
            "cache_write", _META, (("openai", "usage", "cacheWriteTokens"), ("anthropic", "cacheCreationInputTokens"))
        ),
        Inside("cache_read", _META, (("openai", "cachedPromptTokens"), ("anthropic", "cacheReadInputTokens"))),
        Inside("reasoning", _META, (("openai", "reasoningTokens"),)),
    ),
    input_excludes_cache="claude",
    inclusive_if="ai.usage.inputTokenDetails.noCacheTokens",
    nan_is_missing=True,
    provider_before_dot=True,
    content=frozenset(
        {
            "ai.prompt",
            "ai.response.text",
            "ai.response.object",
            "ai.response.reasoning",
            "ai.response.toolCalls",
            "ai.response.files",
            "ai.result.text",
            "ai.result.object",
            "ai.result.toolCalls",
            "ai.toolCall.args",
            "ai.toolCall.result",
            "ai.schema",
            "ai.value",
            "ai.values",
            "ai.embedding",
            "ai.embeddings",
        },
    ),
    content_prefixes=("ai.prompt.", "ai.request.headers.", "ai.request.body"),
    kept_prefixes=("ai.usage.",),
)

PYDANTIC_AI: Final = Dialect(
    name="pydantic_ai",
    version=1,
    rank=FRAMEWORK_OTEL,
    scopes=("pydantic-ai",),
    keys=merged(KEYS, {"cost": ("operation.cost",)}),
    roles=ROLES,
    pending=(("logfire.span_type", "pending_span"),),
    content=frozenset(
        {
            "pydantic_ai.all_messages",
            "all_messages_events",
            "final_result",
            "tool_arguments",
            "tool_response",
            "events",
            "model_request_parameters",
        },
    ),
)
LOGFIRE: Final = Dialect(
    name="logfire",
    version=1,
    rank=FRAMEWORK_OTEL,
    raw_rank=FOREIGN_RAW,
    scopes=("logfire.openai", "logfire.anthropic"),
    markers=("gen_ai.usage.raw",),
    keys=merged(KEYS, {"cost": ("operation.cost",)}),
    roles=(When(SPAN_NAME, prefixes={"streaming response from": Role.EVIDENCE}), *ROLES),
    evidence_of_sibling=True,
    raw=(RawUsage("gen_ai.usage.raw"),),
    pending=(("logfire.span_type", "pending_span"),),
    content=frozenset(
        {
            "request_data",
            "response_data",
            "raw_input",
            "raw_response",
            "logfire.msg",
            "logfire.msg_template",
            "logfire.json_schema",
        },
    ),
)

# Real provider only in the model's name. The older releases with underscore names alone leave the cache out.
STRANDS: Final = Dialect(
    name="strands",
    version=1,
    rank=FRAMEWORK,
    scopes=("strands.telemetry.tracer",),
    keys=merged(KEYS, {"ttft_ms": ("gen_ai.server.time_to_first_token",)}),
    roles=ROLES,
    input_excludes_cache="always",
    inclusive_if="gen_ai.usage.cache_read.input_tokens",
    ignored_providers=frozenset({"strands-agents"}),
    content=frozenset({"system_prompt", "agent.system_prompt", "gen_ai.agent.tools"}),
)

AGENT_FRAMEWORK: Final = Dialect(
    name="agent_framework",
    version=1,
    rank=FRAMEWORK,
    scopes=("agent_framework",),
    keys=KEYS,
    roles=ROLES,
    input_excludes_cache="claude",
)

OTHER_FRAMEWORKS: Final = Dialect(
    name="framework",
    version=1,
    rank=FRAMEWORK,
    scopes=("gen_ai", "gcp.vertex.agent", "Experimental.Microsoft.Extensions.AI"),
    scope_prefixes=("semantic_kernel.",),
    keys=KEYS,
    roles=ROLES,
    content=frozenset({"gcp.vertex.agent.llm_request", "gcp.vertex.agent.llm_response", "gcp.vertex.agent.data"}),
    content_prefixes=("gcp.vertex.agent.tool_",),
)

# LiteLLM writes its request span, or onto the caller's own span; a child repeats the provider's raw usage.
LITELLM: Final = Dialect(
    name="litellm",
    version=1,
    rank=FRAMEWORK,
    raw_rank=FOREIGN_RAW,
    scopes=("litellm",),
    markers=("litellm.call_id",),
    keys=merged(
        {
            "response_id": ("gen_ai.response.id", "llm.openai.id", "llm.anthropic.id", "llm.gemini.responseId"),
            "response_model": (
                "gen_ai.response.model",
                "llm.openai.model",
                "llm.anthropic.model",
                "llm.gemini.modelVersion",
            ),
        },
        KEYS,
    ),
    roles=(When(SPAN_NAME, {"raw_gen_ai_request": Role.EVIDENCE}), *ROLES),
    raw=(
        RawUsage("llm.openai.usage", api=None, notation="python"),
        RawUsage("llm.anthropic.usage", api="anthropic.messages", notation="python"),
        RawUsage("llm.gemini.usageMetadata", api="gemini.generate_content", notation="python"),
    ),
    content=frozenset({"hidden_params", "llm.request.body", "metadata.requester_custom_headers"}),
    content_prefixes=tuple(
        f"llm.{provider}.{member}"
        for provider in ("openai", "anthropic", "gemini", "azure", "bedrock", "vertex_ai", "cohere", "mistral")
        for member in ("messages", "choices", "content", "contents", "candidates", "system", "tools", "input", "extra_")
    ),
)

# Claude Code's own spans: bare names, input without its cached parts.
CLAUDE_CODE: Final = Dialect(
    name="claude_code",
    version=1,
    rank=FRAMEWORK,
    scopes=("com.anthropic.claude_code", "com.anthropic.claude_code.tracing"),
    keys=merged(
        {
            "input": ("input_tokens",),
            "output": ("output_tokens",),
            "cache_read": ("cache_read_tokens",),
            "cache_write": ("cache_creation_tokens",),
            "request_model": ("model",),
            "ttft_ms": ("ttft_ms",),
        },
        KEYS,
    ),
    roles=(When(SPAN_NAME, {"claude_code.llm_request": Role.CALL}, other=Role.AGGREGATE),),
    input_excludes_cache="always",
    content=frozenset({"user_prompt", "new_context"}),
)

DIALECTS: Final = (
    VERCEL,
    PYDANTIC_AI,
    LOGFIRE,
    STRANDS,
    AGENT_FRAMEWORK,
    OTHER_FRAMEWORKS,
    LITELLM,
    CLAUDE_CODE,
)
