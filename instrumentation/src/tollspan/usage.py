"""Token counts in normal form from a provider's usage object: input and output inclusive, ``None`` unknown.

Where each API puts its numbers is a table of paths. OpenAI counts cached tokens inside the input; Anthropic
counts cache reads and writes beside it (platform documentation, "Prompt caching": total input is the sum of
the three).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tollspan.semconv import UsageApi


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Inclusive token counts; ``input`` contains both caches, ``output`` contains reasoning."""

    input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    output: int | None = None
    reasoning: int | None = None


UNKNOWN = TokenCounts()

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Places:
    input: Path
    output: Path = ()
    cache_read: Path = ()
    cache_write: Path = ()
    reasoning: Path = ()
    cache_is_extra: bool = False


_PLACES: dict[UsageApi, _Places] = {
    "openai.chat": _Places(
        input=("prompt_tokens",),
        output=("completion_tokens",),
        cache_read=("prompt_tokens_details", "cached_tokens"),
        cache_write=("prompt_tokens_details", "cache_write_tokens"),
        reasoning=("completion_tokens_details", "reasoning_tokens"),
    ),
    "openai.responses": _Places(
        input=("input_tokens",),
        output=("output_tokens",),
        cache_read=("input_tokens_details", "cached_tokens"),
        cache_write=("input_tokens_details", "cache_write_tokens"),
        reasoning=("output_tokens_details", "reasoning_tokens"),
    ),
    "openai.embeddings": _Places(input=("prompt_tokens",)),
    "anthropic.messages": _Places(
        input=("input_tokens",),
        output=("output_tokens",),
        cache_read=("cache_read_input_tokens",),
        cache_write=("cache_creation_input_tokens",),
        reasoning=("output_tokens_details", "thinking_tokens"),
        cache_is_extra=True,
    ),
}


def normalise(api: UsageApi, raw: Mapping[str, Any]) -> TokenCounts:
    """Read a usage object of an API; what is missing or is no count stays ``None``."""
    places = _PLACES[api]
    tokens = _count(raw, places.input)
    read, written = _count(raw, places.cache_read), _count(raw, places.cache_write)
    if places.cache_is_extra and tokens is not None:
        tokens += (read or 0) + (written or 0)
    output, reasoning = _count(raw, places.output), _count(raw, places.reasoning)
    total = _count(raw, ("total_tokens",))
    # xAI counts reasoning beside the completion; its own total proves it.
    if reasoning and None not in (tokens, output) and total == (tokens or 0) + (output or 0) + reasoning:
        output = (output or 0) + reasoning
    return TokenCounts(tokens, read, written, output, reasoning)


def _count(raw: Mapping[str, Any], path: Path) -> int | None:
    found: Any = raw
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if type(found) is int and found >= 0 else None
