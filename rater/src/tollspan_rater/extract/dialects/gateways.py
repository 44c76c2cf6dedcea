"""LiteLLM: as a library, and as the proxy that is made of it."""

from __future__ import annotations

from typing import Final

from tollspan import semconv
from tollspan_rater.domain.fates import Role
from tollspan_rater.extract.dialects.semconv import KEYS, ROLES
from tollspan_rater.extract.dialects.table import (
    FOREIGN_RAW,
    FRAMEWORK,
    SPAN_NAME,
    Dialect,
    Inside,
    RawUsage,
    When,
    merged,
)

# A child of the request repeats the provider's answer as llm.PROVIDER.MEMBER: provider -> where its usage stands, and
# the API that wrote it where the usage itself does not tell.
_ANSWERS: Final = {
    "openai": ("usage", None),
    "azure": ("usage", None),
    "anthropic": ("usage", "anthropic.messages"),
    "gemini": ("usageMetadata", "gemini.generate_content"),
    "vertex_ai": ("usageMetadata", "gemini.generate_content"),
    "bedrock": ("usage", None),
    "cohere": ("usage", None),
    "mistral": ("usage", None),
    "groq": ("usage", None),
    "deepseek": ("usage", None),
    "openrouter": ("usage", None),
}
_IDS: Final = dict.fromkeys(_ANSWERS, "id") | {"gemini": "responseId", "vertex_ai": "responseId"}
_MODELS: Final = dict.fromkeys(_ANSWERS, "model") | {"gemini": "modelVersion", "vertex_ai": "modelVersion"}
_TEXTS: Final = (
    "messages",
    "choices",
    "content",
    "contents",
    "candidates",
    "system",
    "tools",
    "input",
    "output",
    "extra_",
)
_USAGE: Final = "metadata.usage_object"
_IN, _OUT = "prompt_tokens_details", "completion_tokens_details"
_TTL: Final = "cache_creation_token_details"

LITELLM: Final = Dialect(
    name="litellm",
    version=3,
    rank=FRAMEWORK,
    raw_rank=FOREIGN_RAW,
    source="PyPI litellm 1.109.1 (recorded)",
    traps=(
        "with an active span it writes onto that one: of several calls only the last stays, the children all do",
        "the response id of every provider but OpenAI is made up: chatcmpl-UUID; tollspan in the same process names it",
        "an async success is told in a trace of its own, after the parent has ended",
        "a stream without include_usage has zeros",
        "details only in metadata.usage_object, as the repr of a Python dict",
        "the proxy's root span `Received Proxy Server Request` is context, the call is below it",
    ),
    scopes=("litellm",),
    markers=("litellm.call_id",),
    keys=merged(
        {
            "response_id": (
                semconv.SHOWN_RESPONSE_ID,
                "gen_ai.response.id",
                *(f"llm.{name}.{_IDS[name]}" for name in _ANSWERS),
            ),
            "response_model": ("gen_ai.response.model", *(f"llm.{name}.{_MODELS[name]}" for name in _ANSWERS)),
            "cache_hit": ("litellm.cache_hit",),
        },
        KEYS,
    ),
    roles=(When(SPAN_NAME, {"raw_gen_ai_request": Role.EVIDENCE}), *ROLES),
    raw=tuple(RawUsage(f"llm.{name}.{member}", api=api, notation="python") for name, (member, api) in _ANSWERS.items()),
    inside=tuple(
        Inside(slot, _USAGE, paths, notation="python")
        for slot, paths in (
            ("cache_read", ((_IN, "cached_tokens"), ("cache_read_input_tokens",))),
            (
                "cache_write",
                ((_IN, "cache_creation_tokens"), (_IN, "cache_write_tokens"), ("cache_creation_input_tokens",)),
            ),
            ("cache_write_5m", ((_IN, _TTL, "ephemeral_5m_input_tokens"),)),
            ("cache_write_1h", ((_IN, _TTL, "ephemeral_1h_input_tokens"),)),
            ("reasoning", ((_OUT, "reasoning_tokens"),)),
            ("unit.web_search", (("server_tool_use", "web_search_requests"),)),
        )
    ),
    content=frozenset({"hidden_params", "llm.request.body", "metadata.requester_custom_headers"}),
    content_prefixes=tuple(f"llm.{name}.{member}" for name in (*_ANSWERS, "None") for member in _TEXTS),
)
DIALECTS: Final = (LITELLM,)
