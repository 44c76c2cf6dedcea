"""Which HTTP requests are LLM calls: two tables and one look-up.

A request counts by how its path ends, so that gateways, Azure deployments and servers on loopback need no
configuration; the host only decides the provider's name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tollspan.semconv import UsageApi


@dataclass(frozen=True, slots=True)
class Route:
    """A known request: its API (``None``: free of charge, no record), provider and operation (OTel names)."""

    api: UsageApi | None
    provider: str
    operation: str


# The longest ending that fits wins; all are POST.
ENDINGS: tuple[tuple[str, Route], ...] = (
    ("/v1/messages/count_tokens", Route(None, "anthropic", "count_tokens")),
    ("/v1/messages", Route("anthropic.messages", "anthropic", "chat")),
    ("/chat/completions", Route("openai.chat", "openai", "chat")),
    ("/responses", Route("openai.responses", "openai", "chat")),
    ("/embeddings", Route("openai.embeddings", "openai", "embeddings")),
)

# Host endings -> gen_ai.provider.name (OTel semantic conventions, well-known values).
PROVIDERS: dict[str, str] = {
    "api.openai.com": "openai",
    ".openai.azure.com": "azure.ai.openai",
    ".services.ai.azure.com": "azure.ai.inference",
    "api.anthropic.com": "anthropic",
    "api.deepseek.com": "deepseek",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral_ai",
    "api.perplexity.ai": "perplexity",
    "api.x.ai": "x_ai",
    "generativelanguage.googleapis.com": "gcp.gemini",
}

# Hosts that are known to accept stream_options.include_usage and to answer with one extra chunk.
INCLUDE_USAGE_HOSTS: frozenset[str] = frozenset({"api.openai.com"})

_DEPLOYMENT = re.compile(r"/deployments/([^/]+)/")


def route(method: str, path: str) -> Route | None:
    """Find the route of a request by method and path (without query); ``None`` for all other traffic."""
    if method != "POST":
        return None
    path = path.rstrip("/")
    return next((found for ending, found in ENDINGS if path.endswith(ending)), None)


def provider_of(host: str) -> str | None:
    """Name the provider behind a host, ``None`` for an unknown one (a gateway, a server of one's own)."""
    return next((name for ending, name in PROVIDERS.items() if host.endswith(ending)), None)


def deployment(path: str) -> str | None:
    """Return the deployment that an Azure path names, which stands for the model there."""
    found = _DEPLOYMENT.search(path)
    return found.group(1) if found else None
