"""Which provider answers at a host: a table of patterns, under the hosts that the application names itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

# Patterns of hosts -> gen_ai.provider.name: OTel's well-known values, else the provider's own name.
PROVIDERS: Final[Mapping[str, str]] = {
    "api.openai.com": "openai",
    "*.api.openai.com": "openai",
    "*.openai.azure.com": "azure.ai.openai",
    "*.cognitiveservices.azure.com": "azure.ai.openai",
    "*.services.ai.azure.com": "azure.ai.inference",
    "*.models.ai.azure.com": "azure.ai.inference",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "*-aiplatform.googleapis.com": "gcp.vertex_ai",
    "aiplatform.*.rep.googleapis.com": "gcp.vertex_ai",
    "bedrock-runtime.*": "aws.bedrock",
    "bedrock-runtime-fips.*": "aws.bedrock",
    "bedrock-mantle.*": "aws.bedrock",
    "api.cohere.com": "cohere",
    "api.cohere.ai": "cohere",
    "api.mistral.ai": "mistral_ai",
    "codestral.mistral.ai": "mistral_ai",
    "api.groq.com": "groq",
    "api.deepseek.com": "deepseek",
    "api.x.ai": "x_ai",
    "*.api.x.ai": "x_ai",
    "api.perplexity.ai": "perplexity",
    "api.together.xyz": "together",
    "api.together.ai": "together",
    "api.fireworks.ai": "fireworks",
    "openrouter.ai": "openrouter",
    "api.cerebras.ai": "cerebras",
    "router.huggingface.co": "huggingface",
    "api-inference.huggingface.co": "huggingface",
    "*.endpoints.huggingface.cloud": "huggingface",
    "api.moonshot.ai": "moonshot_ai",
    "api.moonshot.cn": "moonshot_ai",
    "ollama.com": "ollama",
    "*.ml.cloud.ibm.com": "ibm.watsonx.ai",
    "api.voyageai.com": "voyage",
    "*.snowflakecomputing.com": "snowflake",
    "api.writer.com": "writer",
    "api.z.ai": "zai",
    "api.portkey.ai": "portkey",
    "api.aleph-alpha.com": "aleph_alpha",
    "api.inference.crusoecloud.com": "crusoe",
    "api.ai21.com": "ai21",
    "api.sambanova.ai": "sambanova",
    "api.deepinfra.com": "deepinfra",
    "api.novita.ai": "novita",
    "integrate.api.nvidia.com": "nvidia",
    "models.github.ai": "github",
    "*.cloud.databricks.com": "databricks",
}

# Hosts that are known to accept stream_options.include_usage and to answer with one extra chunk.
INCLUDE_USAGE_HOSTS: Final[frozenset[str]] = frozenset({"api.openai.com"})

_REMEMBERED: Final = 1024  # hosts; an application that crawls the web meets more, and asks for few of them again

ProviderOf = Callable[[str], str | None]


def look_up(configured: Mapping[str, str]) -> ProviderOf:
    """Return the look-up of the provider behind a host, ``None`` for an unknown one: a gateway, a server of one's own.

    ``configured`` maps patterns such as ``*.llm.internal`` to providers, and goes before the table.
    """
    patterns = [*configured.items(), *PROVIDERS.items()]

    @lru_cache(_REMEMBERED)
    def provider_of(host: str) -> str | None:
        name = host.lower()
        return next((provider for pattern, provider in patterns if fnmatchcase(name, pattern)), None)

    return provider_of
