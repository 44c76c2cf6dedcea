"""OpenAI's usage objects, and those of the many APIs that write the same: details are parts of their totals."""

from __future__ import annotations

from typing import Final

from tollspan_rater.extract.providers.table import UsageApi

_IN: Final = "prompt_tokens_details"
_OUT: Final = "completion_tokens_details"

# https://platform.openai.com/docs/api-reference/chat/object, Azure OpenAI alike. Beside OpenAI's names stand those by
# which others extend the object: DeepSeek (prompt_cache_hit_tokens), Mistral (num_cached_tokens, connectors), Moonshot,
# Together and Hugging Face (cached_tokens), Alibaba (cache_creation...), OpenRouter (cost, server_tool_use...), xAI
# (num_sources_used). xAI counts reasoning beside the completion, Mistral the tokens of connectors beside the prompt,
# some gateways do so with cached tokens: their total proves it. Gemini's OpenAI endpoint states its thoughts in the
# total only.
CHAT: Final = UsageApi(
    name="openai.chat",
    title="OpenAI Chat Completions and Completions; Azure OpenAI, DeepSeek, Mistral, xAI, Groq, OpenRouter, Moonshot, "
    "Alibaba, Together, Hugging Face, Cerebras, vLLM and others",
    keys={
        "input": ("prompt_tokens",),
        "tool_use": ("connector_tokens",),
        "cache_read": (
            f"{_IN}.cached_tokens",
            "prompt_cache_hit_tokens",
            "num_cached_tokens",
            "cached_tokens",
        ),
        "cache_write": (
            f"{_IN}.cache_write_tokens",
            f"{_IN}.cache_creation_input_tokens",
        ),
        "cache_write_5m": (f"{_IN}.cache_creation.ephemeral_5m_input_tokens",),
        "cache_write_1h": (f"{_IN}.cache_creation.ephemeral_1h_input_tokens",),
        "cache_write_30m": (f"{_IN}.cache_write_tokens_details.ttl_30m_tokens",),
        "cache_write_12h": (f"{_IN}.cache_write_tokens_details.ttl_12h_tokens",),
        "audio_in": (f"{_IN}.audio_tokens",),
        "image_in": (f"{_IN}.image_tokens",),
        "video_in": (f"{_IN}.video_tokens",),
        "output": ("completion_tokens",),
        "reasoning": (f"{_OUT}.reasoning_tokens", "reasoning_tokens"),
        "rejected_prediction": (f"{_OUT}.rejected_prediction_tokens",),
        "audio_out": (f"{_OUT}.audio_tokens",),
        "image_out": (f"{_OUT}.image_tokens",),
        "total": ("total_tokens",),
        "unit.web_search": (
            "server_tool_use_details.web_search_requests",
            "server_tool_use.web_search_requests",
            "connectors.web_search",
        ),
        "unit.search_source": ("num_sources_used",),
        "unit.audio_second": ("prompt_audio_seconds",),
        "tier.": ("service_tier",),
        "cost.": ("cost", "pydantic_ai_gateway.cost_estimate"),
    },
    proofs=(("reasoning",), ("cache_read", "cache_write"), ("cache_read", "reasoning"), ("tool_use",)),
    rest_is_output=True,
    narrower={"num_search_queries": "perplexity.chat", "search_context_size": "perplexity.chat"},
)

# https://platform.openai.com/docs/api-reference/responses/object, and in the singular spelling of the Realtime API
# https://platform.openai.com/docs/api-reference/realtime-server-events/response/done; images and audio alike.
_DETAILS: Final = ("input_tokens_details", "input_token_details")
_OUT_DETAILS: Final = ("output_tokens_details", "output_token_details")


def _both(spellings: tuple[str, ...], member: str) -> tuple[str, ...]:
    return tuple(f"{spelling}.{member}" for spelling in spellings)


RESPONSES: Final = UsageApi(
    name="openai.responses",
    title="OpenAI Responses, Images, Transcriptions, Realtime, Batch",
    keys={
        "input": ("input_tokens",),
        "cache_read": _both(_DETAILS, "cached_tokens"),
        "cache_read_audio": ("input_token_details.cached_tokens_details.audio_tokens",),
        "cache_read_image": ("input_token_details.cached_tokens_details.image_tokens",),
        "cache_write": ("input_tokens_details.cache_write_tokens",),
        "cache_write_30m": ("input_tokens_details.cache_write_tokens_details.ttl_30m_tokens",),
        "cache_write_12h": ("input_tokens_details.cache_write_tokens_details.ttl_12h_tokens",),
        "audio_in": _both(_DETAILS, "audio_tokens"),
        "image_in": _both(_DETAILS, "image_tokens"),
        "output": ("output_tokens",),
        "reasoning": ("output_tokens_details.reasoning_tokens",),
        "audio_out": _both(_OUT_DETAILS, "audio_tokens"),
        "image_out": _both(_OUT_DETAILS, "image_tokens"),
        "total": ("total_tokens",),
        "unit.audio_second": ("seconds",),  # a transcription that is billed by its length
        "unit.image": ("tollspan.image",),
        "unit.web_search": ("tollspan.web_search",),  # these stand in the output; our instrumentation counts them
        "unit.file_search": ("tollspan.file_search",),
        "unit.code_interpreter": ("tollspan.code_interpreter",),
        "tier.": ("service_tier",),
    },
    proofs=(("reasoning",),),
)

# An embedding has no output: it stays unknown where nobody states one, whatever the total says.
EMBEDDINGS: Final = UsageApi(
    name="openai.embeddings",
    title="OpenAI Embeddings and others",
    keys={"input": ("prompt_tokens",), "output": ("completion_tokens",)},
)

# https://docs.perplexity.ai/api-reference/chat-completions-post: the total leaves reasoning and citations out, which
# are billed beside the completion.
PERPLEXITY: Final = UsageApi(
    name="perplexity.chat",
    title="Perplexity",
    keys={
        "input": ("prompt_tokens",),
        "output": ("completion_tokens",),
        "reasoning": ("reasoning_tokens",),
        "unit.citation": ("citation_tokens",),
        "unit.web_search": ("num_search_queries",),
        "cost.": ("cost.total_cost",),
    },
    beside=("reasoning",),
)

APIS: Final = (CHAT, RESPONSES, EMBEDDINGS, PERPLEXITY)
