"""LangChain under OpenLLMetry, and the OpenAI SDK below it as well; Anthropic's native spans are on."""

import case
from opentelemetry.instrumentation.langchain import LangchainInstrumentor
from opentelemetry.instrumentation.openai import OpenAIInstrumentor

provider = case.tracer_provider()
LangchainInstrumentor().instrument()
OpenAIInstrumentor().instrument()

import langchain_cases

case.run(provider.force_flush)
