"""Which attributes matter and which hold content: read by decode, by the strip and by the Collector's list."""

from __future__ import annotations

from functools import lru_cache

# Text of prompts and answers. A request that has any of these is decoded and stripped before the journal.
CONTENT_KEYS: frozenset[str] = frozenset(
    {
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.system_instructions",
        "gen_ai.prompt",
        "gen_ai.completion",
        "gen_ai.tool.call.arguments",
        "gen_ai.tool.call.result",
        "input.value",
        "output.value",
    },
)
CONTENT_PREFIXES: tuple[str, ...] = (
    "gen_ai.prompt.",
    "gen_ai.completion.",
    "llm.input_messages.",
    "llm.output_messages.",
)

# Content whose inside holds ids or usage: the Collector lets it pass, `reduced` keeps only those.
REDUCED_KEYS: frozenset[str] = frozenset({"output.value"})

# Keys that extraction reads; everything else is dropped when a span is decoded.
KEPT_KEYS: frozenset[str] = frozenset({"server.address", "server.port", "error.type", "service.name"})
KEPT_PREFIXES: tuple[str, ...] = ("tollspan.", "gen_ai.", "anthropic.", "openai.", "http.")


@lru_cache(maxsize=65_536)
def is_content(key: str) -> bool:
    """Tell whether an attribute holds text of prompts or answers."""
    return key in CONTENT_KEYS or key.startswith(CONTENT_PREFIXES)


@lru_cache(maxsize=65_536)
def is_kept(key: str) -> bool:
    """Tell whether extraction may read an attribute."""
    return not is_content(key) and (key in KEPT_KEYS or key.startswith(KEPT_PREFIXES))


def reduced(key: str, value: object) -> object | None:  # noqa: ARG001
    """Keep of a content attribute only ids and usage, in the same shape; None when nothing of it may stay."""
    return None
