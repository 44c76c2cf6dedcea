"""LangChain under OpenInference, and the OpenAI SDK below it as well; Anthropic's native spans are on."""

import case
from openinference.instrumentation.langchain import LangChainInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor

provider = case.tracer_provider()
LangChainInstrumentor().instrument()
OpenAIInstrumentor().instrument()

import langchain_cases

case.run(provider.force_flush)
