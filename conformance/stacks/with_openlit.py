"""OpenLIT, which holds the provider SDKs back at older releases."""

import case
import openlit

provider = case.tracer_provider()
openlit.init(tracer=provider.get_tracer("openlit"), disable_metrics=True, application_name="conformance")

import anthropic_cases  # noqa: E402, F401 - the SDKs come after their instrumentation
import openai_cases  # noqa: E402, F401 - as above

case.run(provider.force_flush)
