"""Which API wrote a usage object: by the name it came with, else by members that only one API writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tollspan_rater.extract.providers import anthropic, bedrock, google, openai, others
from tollspan_rater.extract.providers.table import UsageApi

ALL: Final[tuple[UsageApi, ...]] = (*openai.APIS, *anthropic.APIS, *google.APIS, *bedrock.APIS, *others.APIS)
APIS: Final[Mapping[str, UsageApi]] = {api.name: api for api in ALL}

# Members, and the API that writes all of them; the first match wins, so the narrower forms stand first.
SHAPES: Final[tuple[tuple[frozenset[str], str], ...]] = tuple(
    (frozenset(members.split()), api)
    for members, api in (
        ("generation_token_count", "bedrock.invoke_model"),
        ("inputTextTokenCount", "bedrock.invoke_model"),
        ("inputTokenCount", "bedrock.invoke_model"),
        ("x-amzn-bedrock-input-token-count", "bedrock.invoke_model"),
        ("inputTokens", "bedrock.converse"),
        ("promptTokenCount", "gemini.generate_content"),
        ("prompt_token_count", "gemini.generate_content"),
        ("candidatesTokenCount", "gemini.generate_content"),
        ("candidates_token_count", "gemini.generate_content"),
        ("responseTokenCount", "gemini.generate_content"),
        ("total_input_tokens", "gemini.interactions"),
        ("billed_units", "cohere"),
        ("prompt_eval_count", "ollama"),
        ("eval_count", "ollama"),
        ("generated_token_count", "watsonx.generation"),
        ("num_tokens_generated", "aleph_alpha.complete"),
        ("pages_processed", "mistral.ocr"),
        ("prompt_tokens", "openai.chat"),
        ("completion_tokens", "openai.chat"),
        ("input_tokens cache_read_input_tokens", "anthropic.messages"),
        ("input_tokens cache_creation_input_tokens", "anthropic.messages"),
        ("input_tokens", "openai.responses"),
        ("type seconds", "openai.responses"),
        ("total_tokens", "voyage.embeddings"),
        ("token_count", "vertex.predict"),
        ("input", "short"),
    )
)


def api_of(usage: Mapping[str, Any], name: str | None) -> UsageApi | None:
    """Return the table of a usage object; None when no known API writes such a one."""
    api = APIS.get(name or "")
    if api is None:
        found = next((api for members, api in SHAPES if members <= usage.keys()), None)
        api = None if found is None else APIS[found]
    if api is not None and api.narrower:
        for member, narrower in api.narrower.items():
            if member in usage:
                return APIS[narrower]
    return api
