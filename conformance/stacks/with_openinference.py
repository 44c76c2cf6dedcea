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

import anthropic_cases  # noqa: E402, F401 - the SDKs come after their instrumentation
import bedrock_cases  # noqa: E402, F401 - as above
import gemini_cases  # noqa: E402, F401 - as above
import openai_cases  # noqa: E402, F401 - as above

case.run(provider.force_flush)
