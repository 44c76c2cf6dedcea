"""Token counts where the provider gave none: text bytes divided by four, rounded up, always marked as estimated.

English text averages about four bytes a token in current tokenizers; images and audio are left out, because
nothing of their bytes tells their tokens.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from tollspan.semconv import UsageApi

BYTES_PER_TOKEN: Final = 4

# Members of request bodies that hold what a model is to read, of all APIs.
_PROMPT: Final = (
    "messages", "input", "inputs", "prompt", "suffix", "system", "instructions", "tools", "contents", "content",
    "systemInstruction", "requests", "instances", "message", "chat_history", "preamble", "texts", "query", "documents",
)  # fmt: skip
_BINARY: Final = frozenset({"data", "url", "image_url", "file_data", "bytes"})

# Members of events and of whole answers in which stands what the model wrote. What repeats it at the end of a stream
# (``response`` of OpenAI's Responses) is not among them; Ollama's ``response`` is a text.
_WRITTEN_IN: Final[Mapping[UsageApi, tuple[str, ...]]] = {
    "openai.chat": ("choices", "outputs", "value"),
    "perplexity.chat": ("choices",),
    "openai.responses": ("delta", "output", "text"),
    "anthropic.messages": ("delta", "content_block", "content", "completion"),
    "gemini.generate_content": ("candidates",),
    "gemini.interactions": ("delta", "outputs", "steps"),
    "bedrock.converse": ("delta", "start", "output"),
    "bedrock.invoke_model": (
        *("delta", "content_block", "content", "completion", "generation", "outputText", "results", "outputs"),
        *("choices", "contentBlockDelta", "output", "text", "generations"),
    ),
    "cohere": ("text", "delta", "message", "generations"),
    "ollama": ("message", "response"),
    "watsonx.generation": ("results",),
    "aleph_alpha.complete": ("completions", "completion"),
}
_TEXT: Final = frozenset(
    {
        *("content", "text", "thinking", "reasoning", "reasoning_content", "partial_json", "arguments", "delta"),
        *("refusal", "completion", "response", "generation", "generated_text", "outputText", "tool_plan"),
        *("input", "value"),
    },
)
_DOCUMENTS: Final = frozenset({"args", "input"})  # a tool's arguments, written as a document


def tokens(size: int) -> int:
    """Turn bytes of text into estimated tokens."""
    return -(-size // BYTES_PER_TOKEN)


def prompt_tokens(request: Mapping[str, Any]) -> int:
    """Estimate the input of a request body from the text in it."""
    return tokens(sum(_text_bytes(request.get(key)) for key in _PROMPT))


def written_tokens(api: UsageApi, documents: Iterable[Mapping[str, Any]]) -> int:
    """Estimate the output from a whole answer, or from the events of a stream that arrived."""
    places = _WRITTEN_IN.get(api, ())
    return tokens(sum(_written_bytes(document.get(key), key) for document in documents for key in places))


def _text_bytes(node: Any) -> int:
    if isinstance(node, str):
        return 0 if node.startswith("data:") else len(node.encode("utf-8", "replace"))
    if isinstance(node, dict):
        return sum(_text_bytes(value) for key, value in node.items() if key not in _BINARY)
    return sum(_text_bytes(item) for item in node) if isinstance(node, list) else 0


def _written_bytes(node: Any, key: str) -> int:
    if isinstance(node, str):
        return len(node.encode("utf-8", "replace")) if key in _TEXT else 0
    if isinstance(node, dict):
        if key in _DOCUMENTS:
            return len(json.dumps(node, ensure_ascii=False).encode("utf-8", "replace"))
        return sum(_written_bytes(value, name) for name, value in node.items())
    return sum(_written_bytes(item, key) for item in node) if isinstance(node, list) else 0
