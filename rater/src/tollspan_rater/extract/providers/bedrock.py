"""Amazon Bedrock's usage objects: cache counts stand beside the input tokens."""

from __future__ import annotations

from typing import Final

from tollspan_rater.extract.providers.table import Listed, UsageApi

# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html; Nova's body says ...TokenCount.
# OpenAI's models count cache writes within the input when they stream: the total proves it.
CONVERSE: Final = UsageApi(
    name="bedrock.converse",
    title="Amazon Bedrock Converse, and Nova's own body",
    keys={
        "input": ("inputTokens",),
        "cache_read": ("cacheReadInputTokens", "cacheReadInputTokenCount"),
        "cache_write": ("cacheWriteInputTokens", "cacheWriteInputTokenCount"),
        "output": ("outputTokens",),
        "total": ("totalTokens",),
        "cost.": ("pydantic_ai_gateway.cost_estimate",),
    },
    lists={"cacheDetails": Listed("ttl", ("inputTokens",), {"5M": "cache_write_5m", "1H": "cache_write_1h"})},
    beside=("cache_read", "cache_write"),
    proofs=(("cache_read",), ("cache_write",), ()),
)

# https://docs.aws.amazon.com/bedrock/latest/userguide/inference-invoke.html: the models' own bodies (Claude,
# Titan, Llama) before the last chunk of a stream (amazon-bedrock-invocationMetrics) and the headers, which know all
# models.
_HEADER: Final = "x-amzn-bedrock-"
INVOKE: Final = UsageApi(
    name="bedrock.invoke_model",
    title="Amazon Bedrock InvokeModel: bodies, metrics of a stream, headers",
    keys={
        "input": (
            "input_tokens",
            "inputTextTokenCount",
            "prompt_token_count",
            "inputTokenCount",
            f"{_HEADER}input-token-count",
        ),
        "cache_read": ("cacheReadInputTokenCount", "cache_read_input_tokens", f"{_HEADER}cache-read-input-token-count"),
        "cache_write": (
            "cacheWriteInputTokenCount",
            "cache_creation_input_tokens",
            f"{_HEADER}cache-write-input-token-count",
        ),
        "output": (
            "output_tokens",
            "generation_token_count",
            "outputTokenCount",
            f"{_HEADER}output-token-count",
        ),
        "cache_write_5m": ("cache_creation.ephemeral_5m_input_tokens",),
        "cache_write_1h": ("cache_creation.ephemeral_1h_input_tokens",),
        "reasoning": ("output_tokens_details.thinking_tokens",),
    },
    lists={"results": Listed("", ("tokenCount",), {"": "output"})},
    beside=("cache_read", "cache_write"),
)

APIS: Final = (CONVERSE, INVOKE)
