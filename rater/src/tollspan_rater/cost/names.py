"""Which price list a provider name means, and which model a model id means in it.

The catalog matches provider names by parts of words, which takes ``azure.ai.openai`` for OpenAI; so only
the names of this table and the exact ids of the catalog count here.
"""

from __future__ import annotations

import re
from typing import Final

PROVIDERS: Final[dict[str, str]] = {
    # OpenTelemetry's values of gen_ai.provider.name and of the older gen_ai.system
    "aws.bedrock": "aws",
    "az.ai.inference": "azure",
    "az.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "mistral_ai": "mistral",
    "moonshot_ai": "moonshotai",
    "vertex_ai": "google",
    "x_ai": "x-ai",
    "xai": "x-ai",
    # names that frameworks write
    "amazon-bedrock": "aws",
    "azure.openai": "azure",
    "azure_openai": "azure",
    "bedrock": "aws",
    "fireworks_ai": "fireworks",
    "gemini": "google",
    "google.generative-ai": "google",
    "google_genai": "google",
    "google_vertexai": "google",
    "mistralai": "mistral",
    "together_ai": "together",
    "vertexai": "google",
    "voyage": "voyageai",
}

STRIPPED: Final[dict[str, re.Pattern[str]]] = {  # what a provider's own paths put before the model id
    "google": re.compile(r"^(?:projects/[^/]+/locations/[^/]+/)?(?:publishers/[^/]+/)?models/"),
    "azure": re.compile(r"^azure/"),
}

TIERS: Final[dict[str, str]] = {
    "": "",
    "auto": "",  # the request left the choice open; a tier that was applied is named in the response
    "batch": "batch",
    "default": "",
    "fast": "fast",
    "flex": "flex",
    "on_demand": "",
    "priority": "priority",
    "standard": "",
}


def provider_name(name: str | None) -> str:
    """Return the catalog's id for a provider name in lower case; an unlisted name stays itself, None is ``""``."""
    lowered = (name or "").strip().lower()
    return PROVIDERS.get(lowered, lowered)


def model_name(provider: str, model: str | None) -> str:
    """Return a model id in lower case without the path that this provider (catalog id) puts before it."""
    lowered = (model or "").strip().lower()
    prefix = STRIPPED.get(provider)
    return prefix.sub("", lowered) if prefix else lowered


def tier_name(tier: str | None) -> str:
    """Return the tier of a price book: ``""`` is standard; an unlisted tier stays itself and finds no price."""
    lowered = (tier or "").strip().lower()
    return TIERS.get(lowered, lowered)
