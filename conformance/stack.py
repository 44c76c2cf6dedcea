"""The stacks as a table: what is installed, which script runs in it, whose version names the recording."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack; ``packages`` are installed in their newest releases, the first is the one that makes the spans.

    Stacks with the same ``home`` share an environment; without one it is the stack's own.
    """

    name: str
    packages: tuple[str, ...]
    script: str
    home: str = ""

    @property
    def maker(self) -> str:
        """The package whose spans are read."""
        return bare(self.packages[0])


def bare(package: str) -> str:
    """Return a package's name without extras (Python) or a wanted version (JavaScript)."""
    return package[:1] + re.split(r"[\[@]", package[1:])[0]


def _python(name: str, *packages: str) -> Stack:
    return Stack(name, packages, f"with_{name}.py")


def _node(name: str, *packages: str) -> Stack:
    return Stack(name, packages, f"with_{name}.mjs")


SDKS = ("openai", "anthropic", "google-genai", "boto3")

STACKS: tuple[Stack, ...] = (
    _python("tollspan", "tollspan", "openai", "anthropic"),
    _python("anthropic_native", "anthropic"),
    _python("otel_genai", "opentelemetry-instrumentation-genai-openai", "opentelemetry-instrumentation-genai-anthropic",
            "opentelemetry-instrumentation-google-genai", "opentelemetry-instrumentation-genai-bedrock", *SDKS),
    _python("openllmetry", "opentelemetry-instrumentation-openai", "opentelemetry-instrumentation-anthropic",
            "opentelemetry-instrumentation-google-generativeai", "opentelemetry-instrumentation-bedrock", *SDKS),
    _python("openinference", "openinference-instrumentation-openai", "openinference-instrumentation-anthropic",
            "openinference-instrumentation-google-genai", "openinference-instrumentation-bedrock", *SDKS),
    _python("openlit", "openlit", "openai", "anthropic"),
    _python("logfire", "logfire", "openai", "anthropic"),
    _python("botocore", "opentelemetry-instrumentation-botocore", "boto3"),
    _python("litellm", "litellm", "mcp"),
    _python("langfuse", "langfuse", "openai"),
    _python("pydantic_ai", "pydantic-ai-slim[openai,anthropic,google]"),
    _python("strands", "strands-agents[openai,anthropic]"),
    _python("langchain_openinference", "openinference-instrumentation-langchain",
            "openinference-instrumentation-openai", "langchain", "langchain-openai", "langchain-anthropic"),
    _python("langchain_openllmetry", "opentelemetry-instrumentation-langchain", "opentelemetry-instrumentation-openai",
            "langchain", "langchain-openai", "langchain-anthropic"),
    _python("agno", "openinference-instrumentation-agno", "openinference-instrumentation-openai", "agno", "openai",
            "anthropic"),
    _python("smolagents", "openinference-instrumentation-smolagents", "openinference-instrumentation-openai",
            "smolagents[openai]"),
    _python("openai_agents", "openinference-instrumentation-openai-agents", "opentelemetry-instrumentation-openai",
            "openai-agents"),
    _python("semantic_kernel", "semantic-kernel"),
    _python("agent_framework", "agent-framework-core", "agent-framework-openai", "agent-framework-anthropic"),
    _python("adk", "google-adk"),
    _python("native_and_openllmetry", "opentelemetry-instrumentation-anthropic", "anthropic"),
    _node("vercel_5", "ai@5", "@ai-sdk/openai@2", "@ai-sdk/anthropic@2", "zod"),
    _node("vercel_6", "ai@6", "@ai-sdk/openai@3", "@ai-sdk/anthropic@3", "zod"),
    _node("vercel_7", "ai", "@ai-sdk/otel", "@ai-sdk/openai", "@ai-sdk/anthropic", "zod"),
    _python("three_at_once", "tollspan", "opentelemetry-instrumentation-genai-openai",
            "opentelemetry-instrumentation-genai-anthropic", "openinference-instrumentation-openai",
            "openinference-instrumentation-anthropic", "openai", "anthropic"),
)  # fmt: skip
