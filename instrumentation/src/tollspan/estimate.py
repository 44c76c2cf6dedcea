"""Token counts where the provider gave none: text bytes divided by four, rounded up, always marked as estimated.

English text averages about four bytes a token in current tokenizers; images and audio are left out, because
nothing of their bytes tells their tokens.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

BYTES_PER_TOKEN = 4

_PROMPT_KEYS = ("messages", "input", "prompt", "system", "instructions", "tools")
_BINARY_KEYS = frozenset({"data", "url", "image_url", "file_data"})
# Where the streams of the four APIs put what the model wrote.
_WRITTEN_KEYS = frozenset(
    {"content", "text", "thinking", "partial_json", "arguments", "delta", "refusal", "reasoning_content"},
)
_EVENT_KEYS = ("choices", "delta", "content_block")
_BODY_KEYS = ("choices", "content", "output")


def tokens(size: int) -> int:
    """Turn bytes of text into estimated tokens."""
    return -(-size // BYTES_PER_TOKEN)


def prompt_tokens(request: dict[str, Any]) -> int:
    """Estimate the input of a request body from the text in it."""
    return tokens(sum(_text_bytes(request.get(key)) for key in _PROMPT_KEYS))


def written_tokens(events: Iterable[dict[str, Any]]) -> int:
    """Estimate the output from the stream events that arrived; repeated summaries of the text do not count."""
    return tokens(sum(_written_bytes(event.get(key), key) for event in events for key in _EVENT_KEYS))


def body_tokens(body: Any) -> int | None:
    """Estimate the output from a whole answer; ``None`` when it is no JSON object."""
    if not isinstance(body, dict):
        return None
    return tokens(sum(_written_bytes(body.get(key), key) for key in _BODY_KEYS))


def _text_bytes(node: Any) -> int:
    if isinstance(node, str):
        return 0 if node.startswith("data:") else len(node.encode("utf-8", "replace"))
    if isinstance(node, dict):
        return sum(_text_bytes(value) for key, value in node.items() if key not in _BINARY_KEYS)
    return sum(_text_bytes(item) for item in node) if isinstance(node, list) else 0


def _written_bytes(node: Any, key: str) -> int:
    if isinstance(node, str):
        return len(node.encode("utf-8", "replace")) if key in _WRITTEN_KEYS else 0
    if isinstance(node, dict):
        return sum(_written_bytes(value, name) for name, value in node.items())
    return sum(_written_bytes(item, key) for item in node) if isinstance(node, list) else 0
