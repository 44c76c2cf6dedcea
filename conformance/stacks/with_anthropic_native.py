"""The spans that the Anthropic SDK writes by itself as soon as there is a tracer provider."""

import case

provider = case.tracer_provider()

import anthropic_cases

case.run(provider.force_flush)
