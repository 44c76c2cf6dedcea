"""tollspan's own instrumentation; its spans go their own way, below the application's."""

import os

os.environ["ANTHROPIC_OPEN_TELEMETRY"] = "false"

import case

import tollspan

provider = case.tracer_provider()
tollspan.install(endpoint=case.OTLP, include_usage_hosts={"127.0.0.1"})

import anthropic_cases
import openai_cases

case.run(provider.force_flush, lambda: tollspan.flush(10))
