"""LiteLLM as a library, with its own OpenTelemetry callback."""

import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import case
import litellm
from litellm.integrations.opentelemetry import OpenTelemetry, OpenTelemetryConfig

provider = case.tracer_provider()
litellm.callbacks = [OpenTelemetry(config=OpenTelemetryConfig(exporter=case.exporter()))]
litellm.num_retries = 0

import litellm_cases

case.run(provider.force_flush)
