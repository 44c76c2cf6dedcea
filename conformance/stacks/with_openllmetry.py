"""OpenLLMetry's instrumentations of the provider SDKs; Anthropic's native spans are off."""

import os

os.environ["ANTHROPIC_OPEN_TELEMETRY"] = "false"

import case
from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor
from opentelemetry.instrumentation.bedrock import BedrockInstrumentor
from opentelemetry.instrumentation.google_generativeai import GoogleGenerativeAiInstrumentor
from opentelemetry.instrumentation.openai import OpenAIInstrumentor

provider = case.tracer_provider()
OpenAIInstrumentor().instrument()
AnthropicInstrumentor().instrument()
BedrockInstrumentor().instrument()
GoogleGenerativeAiInstrumentor().instrument()

import anthropic_cases
import bedrock_cases
import gemini_cases
import openai_cases

case.run(provider.force_flush)
