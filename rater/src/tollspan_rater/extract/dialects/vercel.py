"""Vercel's AI SDK: version 4 to 6 under names of its own, 7 after the conventions."""

from __future__ import annotations

from typing import Final

from tollspan_rater.domain.fates import Role
from tollspan_rater.extract.dialects.semconv import IGNORED, KEYS, ROLES
from tollspan_rater.extract.dialects.table import FRAMEWORK, Dialect, Inside, RawUsage, When, merged

_META: Final = "ai.response.providerMetadata"

VERCEL: Final = Dialect(
    name="vercel",
    version=2,
    rank=FRAMEWORK,
    source="npm ai 4 (code), 5.0.277 and 6 (recorded)",
    traps=(
        "the outer span repeats the usage of its `.doGenerate`, `.doStream` and `.doEmbed` spans, or their sum",
        "before version 6 the input of Claude models leaves the cache out",
        "cached input and reasoning of OpenAI's non-streamed answers are nowhere in version 5",
        "version 4 writes NaN where the provider said nothing",
        "provider names carry the API: openai.chat",
    ),
    scopes=("ai",),
    markers=("ai.operationId",),
    families=("ai.usage.promptTokens", "ai.usage.inputTokens"),
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
    cache_untold="claude",
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
VERCEL_OTEL: Final = Dialect(
    name="vercel.otel",
    version=1,
    rank=FRAMEWORK,
    source="npm @ai-sdk/otel of ai 7 (run)",
    traps=("invoke_agent and `step N` (agent_step) repeat the sums of the chats below them", "reasoning is not stated"),
    scopes=("gen_ai",),
    keys=KEYS,
    roles=ROLES,
    ignored=IGNORED,
)

DIALECTS: Final = (VERCEL, VERCEL_OTEL)
