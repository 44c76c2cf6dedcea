"""OpenTelemetry's instrumentation of botocore, with its Bedrock extension."""

import case
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor

provider = case.tracer_provider()
BotocoreInstrumentor().instrument()

import bedrock_cases  # noqa: E402, F401 - the SDK comes after its instrumentation

case.run(provider.force_flush)
