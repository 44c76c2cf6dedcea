"""tollspan, OpenTelemetry's GenAI instrumentations, OpenInference and Anthropic's native spans, all on one call."""

import os

os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "gen_ai_latest_experimental"

import case
from openinference.instrumentation.anthropic import AnthropicInstrumentor as OpenInferenceAnthropic
from openinference.instrumentation.openai import OpenAIInstrumentor as OpenInferenceOpenAI
from opentelemetry.instrumentation.genai.anthropic import AnthropicInstrumentor
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

import tollspan

provider = case.tracer_provider()
tollspan.install(endpoint=case.OTLP, include_usage_hosts={"127.0.0.1"})
for instrumentor in (OpenAIInstrumentor, AnthropicInstrumentor, OpenInferenceOpenAI, OpenInferenceAnthropic):
    instrumentor().instrument()

import anthropic_cases
import openai_cases

case.run(provider.force_flush, lambda: tollspan.flush(10))
