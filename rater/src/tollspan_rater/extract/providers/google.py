"""Google's usage metadata: thoughts and tool-use prompts stand beside candidates and prompt."""

from __future__ import annotations

from typing import Final

from tollspan_rater.extract.providers.table import UsageApi, modalities

_COUNTS: Final = ("tokenCount", "token_count", "tokens")
_INPUT: Final = modalities(
    "modality", _COUNTS, audio="audio_in", image="image_in", video="video_in", document="document_in"
)
_OUTPUT: Final = modalities("modality", _COUNTS, audio="audio_out", image="image_out", video="video_out")
_CACHED: Final = modalities(
    "modality",
    _COUNTS,
    audio="cache_read_audio",
    image="cache_read_image",
    video="cache_read_video",
    document="cache_read_document",
)

# https://ai.google.dev/api/generate-content#UsageMetadata; in snake case as google-genai dumps it; responseTokenCount
# is the Live API's candidates. Some models count thoughts within the candidates: the total proves it. The split of a
# tool-use prompt by modality is left alone, so that it overlaps no other part.
GENERATE: Final = UsageApi(
    name="gemini.generate_content",
    title="Gemini and Vertex AI: generateContent, embeddings, Live",
    keys={
        "input": ("promptTokenCount", "prompt_token_count"),
        "tool_use": ("toolUsePromptTokenCount", "tool_use_prompt_token_count"),
        "cache_read": ("cachedContentTokenCount", "cached_content_token_count"),
        "output": (
            "candidatesTokenCount",
            "candidates_token_count",
            "responseTokenCount",
            "response_token_count",
        ),
        "reasoning": ("thoughtsTokenCount", "thoughts_token_count"),
        "total": ("totalTokenCount", "total_token_count"),
        "unit.web_search": ("tollspan.web_search",),  # stands in the candidates; our instrumentation counts it
        "tier.": ("serviceTier", "service_tier"),
    },
    lists={
        "promptTokensDetails": _INPUT,
        "promptTokenDetails": _INPUT,
        "prompt_tokens_details": _INPUT,
        "candidatesTokensDetails": _OUTPUT,
        "candidates_tokens_details": _OUTPUT,
        "responseTokensDetails": _OUTPUT,
        "response_tokens_details": _OUTPUT,
        "cacheTokensDetails": _CACHED,
        "cache_tokens_details": _CACHED,
    },
    beside=("tool_use", "reasoning"),
    proofs=(("tool_use",), ("reasoning",), ()),
)

# https://ai.google.dev/gemini-api/docs/interactions
INTERACTIONS: Final = UsageApi(
    name="gemini.interactions",
    title="Gemini Interactions",
    keys={
        "input": ("total_input_tokens",),
        "tool_use": ("total_tool_use_tokens",),
        "cache_read": ("total_cached_tokens",),
        "output": ("total_output_tokens",),
        "reasoning": ("total_thought_tokens",),
        "total": ("total_tokens",),
    },
    lists={
        "input_tokens_by_modality": _INPUT,
        "output_tokens_by_modality": _OUTPUT,
        "cached_tokens_by_modality": _CACHED,
    },
    beside=("tool_use", "reasoning"),
    proofs=(("tool_use",), ("reasoning",), ()),
)

# https://cloud.google.com/vertex-ai/generative-ai/docs/embeddings: the statistics of a prediction.
PREDICT: Final = UsageApi(
    name="vertex.predict",
    title="Vertex AI predictions",
    keys={"input": ("token_count",), "unit.image": ("tollspan.image",)},
)

APIS: Final = (GENERATE, INTERACTIONS, PREDICT)
