"""The endpoints as a table: which request is for which API, or which errand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from conformance.provider import (
    anthropic_api,
    bedrock_api,
    bedrock_invoke,
    cohere_api,
    gemini_api,
    mistral_api,
    ollama_api,
    openai_batches,
    openai_chat,
    openai_media,
    openai_responses,
)
from conformance.provider.endpoint import Api, Endpoint, Errand, Request

ENDPOINTS: tuple[Endpoint, ...] = (
    *openai_responses.ERRANDS,
    *openai_batches.ERRANDS,
    *anthropic_api.ERRANDS,
    *gemini_api.ERRANDS,
    *openai_chat.APIS,
    *openai_responses.APIS,
    *openai_media.APIS,
    *anthropic_api.APIS,
    *gemini_api.APIS,
    *bedrock_api.APIS,
    *bedrock_invoke.APIS,
    *cohere_api.APIS,
    *mistral_api.APIS,
    *ollama_api.APIS,
)
_PATTERNS = tuple((endpoint, re.compile(endpoint.path + "$")) for endpoint in ENDPOINTS)


def endpoint_of(method: str, path: str, body: Mapping[str, Any]) -> tuple[Endpoint, dict[str, str]] | None:
    """Return the endpoint of a request and the groups of its path; the first that fits."""
    for endpoint, pattern in _PATTERNS:
        found = pattern.search(path) if endpoint.method == method else None
        flag = endpoint.flag if isinstance(endpoint, Errand) else ""
        if found and (not flag or (body.get(flag) is True and body.get("stream") is not True)):
            return endpoint, {name: text for name, text in found.groupdict().items() if text is not None}
    return None


def on_its_terms(api: Api, request: Request) -> Api:
    """Return an API as it is for a request: the model or the vendor may state less, or something else."""
    return replace(api, **api.terms(request))
