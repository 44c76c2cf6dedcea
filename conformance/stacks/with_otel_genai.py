"""OpenTelemetry's own GenAI instrumentations of the provider SDKs; Anthropic's native spans are off."""

import os

os.environ["ANTHROPIC_OPEN_TELEMETRY"] = "false"
os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "gen_ai_latest_experimental"

import case
from opentelemetry.instrumentation.genai.anthropic import AnthropicInstrumentor
from opentelemetry.instrumentation.genai.bedrock import BedrockInstrumentor
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.instrumentation.google_genai import GoogleGenAiSdkInstrumentor

provider = case.tracer_provider()
OpenAIInstrumentor().instrument()
AnthropicInstrumentor().instrument()
BedrockInstrumentor().instrument()
GoogleGenAiSdkInstrumentor().instrument(skip_dep_check=True)  # it caps google-genai below what is newest

import anthropic_cases
import bedrock_cases
import gemini_cases
import openai_cases

case.run(provider.force_flush)
