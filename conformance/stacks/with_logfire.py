"""Logfire's instrumentations of the provider SDKs; Anthropic's native spans are off."""

import os

os.environ["ANTHROPIC_OPEN_TELEMETRY"] = "false"

import case
import logfire
from opentelemetry.sdk.trace.export import BatchSpanProcessor

logfire.configure(
    send_to_logfire=False,
    console=False,
    service_name="conformance-logfire",
    additional_span_processors=[BatchSpanProcessor(case.exporter())],
)
logfire.instrument_openai()
logfire.instrument_anthropic()

import anthropic_cases
import openai_cases

case.run(logfire.force_flush)
