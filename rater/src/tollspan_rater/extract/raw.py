"""The providers' own usage objects: where each API puts its counts, as paths into the JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Path = tuple[str, ...]


def _at(*paths: str) -> tuple[Path, ...]:
    return tuple(tuple(path.split(".")) for path in paths)


@dataclass(frozen=True, slots=True)
class UsageApi:
    """Where one API's usage object holds each count, and which totals leave parts out.

    ``fields`` and ``units`` map a field of ``Usage`` or a unit meter to paths; the first one present wins.
    ``add_to_input`` and ``add_to_output`` name counts that the API keeps outside of its totals;
    the entry ``tool_use`` is a count of input that has no field of its own.
    ``inclusive_if_total`` is the path of a provider total that proves the output already inclusive.
    """

    fields: Mapping[str, tuple[Path, ...]]
    units: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    add_to_input: tuple[str, ...] = ()
    add_to_output: tuple[str, ...] = ()
    inclusive_if_total: Path = ()
    steps: tuple[tuple[str, str, str | None], ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", _steps(self.fields))


def _steps(fields: Mapping[str, tuple[Path, ...]]) -> tuple[tuple[str, str, str | None], ...]:
    """Lay paths of one or two members out flat: (field, member, member inside it or None)."""
    return tuple(
        (name, path[0], path[1] if len(path) > 1 else None) for name, paths in fields.items() for path in paths
    )


# https://platform.openai.com/docs/api-reference/chat/object#chat-object-usage; the details are parts of the totals.
# DeepSeek, Mistral, Moonshot and others write the same object with own names for cached tokens.
_OPENAI_CHAT: Final = UsageApi(
    {
        "input": _at("prompt_tokens"),
        "cache_read": _at(
            "prompt_tokens_details.cached_tokens", "prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens"
        ),
        "cache_write": _at("prompt_tokens_details.cache_write_tokens"),
        "audio_in": _at("prompt_tokens_details.audio_tokens"),
        "image_in": _at("prompt_tokens_details.image_tokens"),
        "output": _at("completion_tokens"),
        "reasoning": _at("completion_tokens_details.reasoning_tokens"),
        "audio_out": _at("completion_tokens_details.audio_tokens"),
    },
)
# https://platform.openai.com/docs/api-reference/responses/object#responses-object-usage
_OPENAI_RESPONSES: Final = UsageApi(
    {
        "input": _at("input_tokens"),
        "cache_read": _at("input_tokens_details.cached_tokens", "input_token_details.cached_tokens"),
        "cache_write": _at("input_tokens_details.cache_write_tokens"),
        "audio_in": _at("input_token_details.audio_tokens"),
        "image_in": _at("input_tokens_details.image_tokens", "input_token_details.image_tokens"),
        "output": _at("output_tokens"),
        "reasoning": _at("output_tokens_details.reasoning_tokens"),
        "audio_out": _at("output_token_details.audio_tokens"),
    },
)
# An embedding has no output: it stays unknown, whatever a total says.
_OPENAI_EMBEDDINGS: Final = UsageApi({"input": _at("prompt_tokens", "input_tokens")})
# https://platform.claude.com/docs/en/api/messages: input_tokens leaves both cache counts out.
_ANTHROPIC: Final = UsageApi(
    {
        "input": _at("input_tokens"),
        "cache_read": _at("cache_read_input_tokens"),
        "cache_write": _at("cache_creation_input_tokens"),
        "cache_write_5m": _at("cache_creation.ephemeral_5m_input_tokens"),
        "cache_write_1h": _at("cache_creation.ephemeral_1h_input_tokens"),
        "output": _at("output_tokens"),
        "reasoning": _at("output_tokens_details.thinking_tokens"),
    },
    units={"web_search": _at("server_tool_use.web_search_requests")},
    add_to_input=("cache_read", "cache_write"),
)
# https://ai.google.dev/api/generate-content#UsageMetadata: tool use and thoughts stand beside prompt and candidates.
_GEMINI: Final = UsageApi(
    {
        "input": _at("promptTokenCount", "prompt_token_count"),
        "tool_use": _at("toolUsePromptTokenCount", "tool_use_prompt_token_count"),
        "cache_read": _at("cachedContentTokenCount", "cached_content_token_count"),
        "output": _at("candidatesTokenCount", "candidates_token_count"),
        "reasoning": _at("thoughtsTokenCount", "thoughts_token_count"),
    },
    add_to_input=("tool_use",),
    add_to_output=("reasoning",),
    inclusive_if_total=("totalTokenCount",),
)
# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html
_CONVERSE: Final = UsageApi(
    {
        "input": _at("inputTokens"),
        "cache_read": _at("cacheReadInputTokens"),
        "cache_write": _at("cacheWriteInputTokens"),
        "output": _at("outputTokens"),
    },
    add_to_input=("cache_read", "cache_write"),
)
# Langfuse's own short form, made by an app that states counts itself.
_SHORT: Final = UsageApi({"input": _at("input"), "output": _at("output")})

APIS: Final[Mapping[str, UsageApi]] = {
    "openai.chat": _OPENAI_CHAT,
    "openai.responses": _OPENAI_RESPONSES,
    "openai.embeddings": _OPENAI_EMBEDDINGS,
    "anthropic.messages": _ANTHROPIC,
    "gemini.generate_content": _GEMINI,
    "bedrock.converse": _CONVERSE,
    "short": _SHORT,
}

# A usage object without a name is told by its members, first match wins.
_SHAPES: Final[tuple[tuple[frozenset[str], str], ...]] = (
    (frozenset({"promptTokenCount"}), "gemini.generate_content"),
    (frozenset({"prompt_token_count"}), "gemini.generate_content"),
    (frozenset({"inputTokens"}), "bedrock.converse"),
    (frozenset({"prompt_tokens"}), "openai.chat"),
    (frozenset({"input_tokens", "cache_read_input_tokens"}), "anthropic.messages"),
    (frozenset({"input_tokens", "cache_creation_input_tokens"}), "anthropic.messages"),
    (frozenset({"input_tokens"}), "openai.responses"),
    (frozenset({"input"}), "short"),
)


def api_of(usage: Mapping[str, Any]) -> str | None:
    """Tell by its members whose usage object this is; None when no known API writes such a one."""
    return next((api for members, api in _SHAPES if members <= usage.keys()), None)


def at(tree: Mapping[str, Any], path: Path) -> Any:
    """Return what stands at a path of a JSON object; None when the path ends early."""
    found: Any = tree
    for step in path:
        if not isinstance(found, dict):
            return None
        found = found.get(step)
    return found
