"""OpenLIT, which holds the provider SDKs back at older releases."""

import case
import openlit

provider = case.tracer_provider()
openlit.init(disable_metrics=True, disable_events=True)  # it takes the tracer provider that is there

import anthropic_cases  # noqa: E402, F401 - the SDKs come after their instrumentation
import openai_cases  # noqa: E402, F401 - as above

case.run(provider.force_flush)
