"""OpenTelemetry's instrumentation of botocore, with its Bedrock extension."""

import case
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor

provider = case.tracer_provider()
BotocoreInstrumentor().instrument()

import bedrock_cases

case.run(provider.force_flush)
