"""OpenLLMetry beside the spans that the Anthropic SDK writes by itself, as happens without a word of warning."""

import case
from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor

provider = case.tracer_provider()
AnthropicInstrumentor().instrument()

import anthropic_cases

case.run(provider.force_flush)
