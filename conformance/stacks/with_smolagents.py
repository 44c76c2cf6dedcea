"""smolagents under OpenInference, and the OpenAI SDK below it as well."""

import case
from openinference.instrumentation.openai import OpenAIInstrumentor
from openinference.instrumentation.smolagents import SmolagentsInstrumentor
from smolagents import OpenAIModel, ToolCallingAgent, tool

provider = case.tracer_provider()
SmolagentsInstrumentor().instrument()
OpenAIInstrumentor().instrument()

ASK = [{"role": "user", "content": [{"type": "text", "text": "How many?"}]}]


@tool
def weather(place: str) -> str:
    """Return the weather of a place.

    Args:
        place: the place.
    """
    return f"rain in {place}"


def model(url: str, name: str = "gpt-4.1") -> OpenAIModel:
    """Return OpenAI's model."""
    return OpenAIModel(model_id=name, api_base=f"{url}/v1", api_key="made-up")


@case.case()
def chat(url: str) -> None:
    model(url).generate(ASK)


@case.case("cached+reasoning")
def chat_cached_reasoning(url: str) -> None:
    model(url, "o4-mini").generate(ASK)


@case.case("cached")
def chat_stream(url: str) -> None:
    list(model(url).generate_stream(ASK))


@case.case("500-once")
def chat_retried(url: str) -> None:
    model(url).generate(ASK)


@case.case()
def agent_with_tool(url: str) -> None:
    ToolCallingAgent(tools=[weather], model=model(url), max_steps=2, verbosity_level=0).run("Weather?")


case.run(provider.force_flush)
