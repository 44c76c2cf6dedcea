"""What kind of model a name means, and one spelling of providers and operations: for comparing, never for prices."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

_FAMILIES: Final[tuple[tuple[str, str], ...]] = (
    ("claude", "claude"),
    ("gemini", "gemini"),
    ("gpt", "openai"),
    ("text-embedding", "openai"),
    ("dall-e", "openai"),
    ("llama", "llama"),
    ("mistral", "mistral"),
    ("mixtral", "mistral"),
    ("deepseek", "deepseek"),
    ("qwen", "qwen"),
    ("command", "cohere"),
    ("grok", "grok"),
    ("nova", "nova"),
)

# Older and other spellings of the conventions' provider names.
_PROVIDERS: Final[Mapping[str, str]] = {
    "vertex_ai": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "gemini": "gcp.gemini",
    "google": "gcp.gen_ai",
    "az.ai.inference": "azure.ai.inference",
    "az.ai.openai": "azure.ai.openai",
    "azure": "azure.ai.openai",
    "azure-openai": "azure.ai.openai",
    "xai": "x_ai",
    "mistralai": "mistral_ai",
    "mistral": "mistral_ai",
    "aws": "aws.bedrock",
    "bedrock": "aws.bedrock",
    "amazon-bedrock": "aws.bedrock",
    "Anthropic": "anthropic",
    "OpenAI": "openai",
}

# Operations by the names of dialects that have their own.
_OPERATIONS: Final[Mapping[str, str]] = {
    "LLM": "chat",
    "EMBEDDING": "embeddings",
    "RERANKER": "rerank",
    "generation": "chat",
    "embedding": "embeddings",
    "ai.generateText.doGenerate": "chat",
    "ai.streamText.doStream": "chat",
    "ai.generateObject.doGenerate": "chat",
    "ai.streamObject.doStream": "chat",
    "ai.embed.doEmbed": "embeddings",
    "ai.embedMany.doEmbed": "embeddings",
}


# Operations whose answer has no tokens of its own, as their names or their models' names show.
_INPUT_ONLY: Final = ("embed", "rerank", "retrieval", "moderation", "ocr", "transcription")


def input_only(operation: str | None, model: str | None) -> bool:
    """Tell whether a call of this kind has input alone, so that an output that nobody states is none."""
    return any(word in name.lower() for name in (operation, model) if name is not None for word in _INPUT_ONLY)


def operation_name(operation: str) -> str:
    """Return the conventions' name of an operation; a name not known here stays as it is."""
    return _OPERATIONS.get(operation, operation)


@lru_cache(maxsize=8192)
def model_family(model: str | None) -> str | None:
    """Return the family of a model by its name; an unknown name is a family of its own up to its first digit."""
    if not model:
        return None
    name = model.lower()
    for part, family in _FAMILIES:
        if part in name:
            return family
    name = name.rpartition("/")[2]
    if name[:1] == "o" and name[1:2].isdigit():
        return "openai"
    stem = name.partition("-")[0].rstrip("0123456789.")
    return stem or name


@lru_cache(maxsize=1024)
def provider_name(provider: str, before_dot: bool) -> str:  # noqa: FBT001 - a table's column, always named there
    """Return the conventions' spelling of a provider; ``before_dot`` cuts ``openai.chat`` to ``openai``."""
    name = provider.partition(".")[0] if before_dot else provider
    return _PROVIDERS.get(name, name)
