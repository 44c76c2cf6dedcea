"""OpenLIT, which holds the provider SDKs back at older releases."""

import case
import openlit

provider = case.tracer_provider()
openlit.init(disable_metrics=True, disable_events=True)  # it takes the tracer provider that is there

import anthropic_cases
import openai_cases

case.run(provider.force_flush)
