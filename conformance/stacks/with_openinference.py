"""OpenInference's instrumentations of the provider SDKs; Anthropic's native spans are off."""

import os

os.environ["ANTHROPIC_OPEN_TELEMETRY"] = "false"

import case
from openinference.instrumentation.anthropic import AnthropicInstrumentor
from openinference.instrumentation.bedrock import BedrockInstrumentor
from openinference.instrumentation.google_genai import GoogleGenAIInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor

provider = case.tracer_provider()
OpenAIInstrumentor().instrument()
AnthropicInstrumentor().instrument()
BedrockInstrumentor().instrument()
GoogleGenAIInstrumentor().instrument()

import anthropic_cases
import bedrock_cases
import gemini_cases
import openai_cases

case.run(provider.force_flush)
