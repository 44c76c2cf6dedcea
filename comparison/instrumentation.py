"""The instrumentations that are compared: what is installed, which SDKs they promise to cover, how they start."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Flush = Callable[[], Any]
Start = Callable[["Application"], tuple[Flush, ...]]

NEWEST = (
    "openai", "anthropic", "google-genai", "boto3", "cohere", "mistralai", "groq", "ollama",
    "httpx", "requests", "aiohttp", "websockets",
)  # fmt: skip
PLAIN_HTTP = ""


@dataclass(frozen=True, slots=True)
class Application:
    """What an application has set up before: where spans go, and how it makes a tracer provider and an exporter."""

    otlp: str
    tracer_provider: Callable[[], Any]
    exporter: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Instrumentation:
    """One column of the comparison; ``sdks`` are the distributions that it has hooks for."""

    name: str
    title: str
    packages: tuple[str, ...]
    sdks: frozenset[str]
    start: Start

    @property
    def maker(self) -> str:
        """The package whose version stands for it."""
        return self.packages[0]


def _tollspan(application: Application) -> tuple[Flush, ...]:
    import tollspan

    os.environ["TOLLSPAN_SPOOL_DIR"] = ""
    provider = application.tracer_provider()
    tollspan.install(endpoint=application.otlp, include_usage_hosts=())
    return provider.force_flush, lambda: tollspan.flush(10)


def _anthropic_native(application: Application) -> tuple[Flush, ...]:
    os.environ["ANTHROPIC_OPEN_TELEMETRY"] = "true"
    return (application.tracer_provider().force_flush,)


def _otel_genai(application: Application) -> tuple[Flush, ...]:
    os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "gen_ai_latest_experimental"
    provider = application.tracer_provider()
    from opentelemetry.instrumentation.genai.anthropic import AnthropicInstrumentor
    from opentelemetry.instrumentation.genai.bedrock import BedrockInstrumentor
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
    from opentelemetry.instrumentation.google_genai import GoogleGenAiSdkInstrumentor

    for made in (OpenAIInstrumentor(), AnthropicInstrumentor(), BedrockInstrumentor()):
        made.instrument()
    GoogleGenAiSdkInstrumentor().instrument(skip_dep_check=True)  # it caps google-genai below what is newest
    return (provider.force_flush,)


def _openllmetry(application: Application) -> tuple[Flush, ...]:
    provider = application.tracer_provider()
    from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor
    from opentelemetry.instrumentation.bedrock import BedrockInstrumentor
    from opentelemetry.instrumentation.cohere import CohereInstrumentor
    from opentelemetry.instrumentation.google_generativeai import GoogleGenerativeAiInstrumentor
    from opentelemetry.instrumentation.groq import GroqInstrumentor
    from opentelemetry.instrumentation.ollama import OllamaInstrumentor
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor

    made = (OpenAIInstrumentor, AnthropicInstrumentor, BedrockInstrumentor, GoogleGenerativeAiInstrumentor,
            CohereInstrumentor, GroqInstrumentor, OllamaInstrumentor)  # fmt: skip
    for instrumentor in made:
        instrumentor().instrument()
    return (provider.force_flush,)


def _openinference(application: Application) -> tuple[Flush, ...]:
    provider = application.tracer_provider()
    from openinference.instrumentation.anthropic import AnthropicInstrumentor
    from openinference.instrumentation.bedrock import BedrockInstrumentor
    from openinference.instrumentation.google_genai import GoogleGenAIInstrumentor
    from openinference.instrumentation.groq import GroqInstrumentor
    from openinference.instrumentation.mistralai import MistralAIInstrumentor
    from openinference.instrumentation.openai import OpenAIInstrumentor

    made = (OpenAIInstrumentor, AnthropicInstrumentor, BedrockInstrumentor, GoogleGenAIInstrumentor,
            GroqInstrumentor, MistralAIInstrumentor)  # fmt: skip
    for instrumentor in made:
        instrumentor().instrument()
    return (provider.force_flush,)


def _logfire(application: Application) -> tuple[Flush, ...]:
    import logfire
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    logfire.configure(
        send_to_logfire=False,
        console=False,
        service_name="comparison-logfire",
        additional_span_processors=[BatchSpanProcessor(application.exporter())],
    )
    logfire.instrument_openai()
    logfire.instrument_anthropic()
    return (logfire.force_flush,)


_FOUR = frozenset({"openai", "anthropic", "google-genai", "boto3"})

INSTRUMENTATIONS: tuple[Instrumentation, ...] = (
    Instrumentation("tollspan", "tollspan", ("tollspan",), frozenset({*NEWEST, PLAIN_HTTP}), _tollspan),
    Instrumentation("otel_genai", "OTel genai", (
        "opentelemetry-instrumentation-genai-openai", "opentelemetry-instrumentation-genai-anthropic",
        "opentelemetry-instrumentation-google-genai", "opentelemetry-instrumentation-genai-bedrock",
    ), _FOUR, _otel_genai),
    Instrumentation("openllmetry", "OpenLLMetry", (
        "opentelemetry-instrumentation-openai", "opentelemetry-instrumentation-anthropic",
        "opentelemetry-instrumentation-google-generativeai", "opentelemetry-instrumentation-bedrock",
        "opentelemetry-instrumentation-cohere", "opentelemetry-instrumentation-groq",
        "opentelemetry-instrumentation-ollama",  # that for mistralai does not import with mistralai 3
    ), _FOUR | {"cohere", "groq", "ollama"}, _openllmetry),
    Instrumentation("openinference", "OpenInference", (
        "openinference-instrumentation-openai", "openinference-instrumentation-anthropic",
        "openinference-instrumentation-google-genai", "openinference-instrumentation-bedrock",
        "openinference-instrumentation-groq", "openinference-instrumentation-mistralai",
    ), _FOUR | {"groq", "mistralai"}, _openinference),
    Instrumentation("logfire", "Logfire", (
        "logfire",  # for google-genai it starts OpenTelemetry's, which refuses google-genai 3
    ), frozenset({"openai", "anthropic"}), _logfire),
    Instrumentation("anthropic_native", "Anthropic native", (
        "anthropic",
    ), frozenset({"anthropic"}), _anthropic_native),
)  # fmt: skip
