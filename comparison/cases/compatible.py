"""Vendors whose chat is OpenAI's, through the OpenAI SDK with another address, as their documentation shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai

from comparison.case import cases_of
from comparison.cases.openai_chat import ASK, HTTP, WITH_USAGE
from comparison.reading import read

CASES = cases_of("openai")
VENDORS = {
    "DeepSeek": ("/v1", "deepseek-reasoner"),
    "xAI": ("/v1", "grok-4"),
    "Perplexity": ("", "sonar-pro"),
    "Together": ("/v1", "meta-llama/Llama-3.3-70B-Instruct-Turbo"),
    "Fireworks": ("/inference/v1", "accounts/fireworks/models/llama-v3p3-70b-instruct"),
    "OpenRouter": ("/api/v1", "anthropic/claude-sonnet-4.5"),
    "Cerebras": ("/v1", "llama-3.3-70b"),
    "vLLM": ("/v1", "Qwen/Qwen3-32B"),
    "Ollama through OpenAI": ("/v1", "llama3.2"),
}
"""Vendor to what its base address ends with, and a model of it."""
LIKE_OPENAI = {"Cerebras", "Ollama through OpenAI"}
"""Those that state usage as OpenAI does."""


def _chat(base: str, model: str, **more: Any) -> Callable[[str], None]:
    def call(url: str) -> None:
        client = openai.OpenAI(base_url=f"{url}{base}", api_key="made-up", http_client=HTTP)
        answer = client.chat.completions.create(model=model, messages=ASK, **more)
        if more:
            read(answer)

    return call


for _vendor, (_base, _model) in VENDORS.items():
    _traits = "plain" if _vendor in LIKE_OPENAI else f"as-{_vendor.lower()}"
    CASES(f"{_vendor}: chat", traits=_traits)(_chat(_base, _model))
    CASES(f"{_vendor}: chat stream", traits=_traits)(_chat(_base, _model, stream=True, stream_options=WITH_USAGE))
