"""The OpenAI Agents SDK under OpenInference, and the OpenAI SDK below it under OpenLLMetry."""

import asyncio

import case
from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, function_tool
from openai import AsyncOpenAI
from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor
from opentelemetry.instrumentation.openai import OpenAIInstrumentor

provider = case.tracer_provider()
OpenAIAgentsInstrumentor().instrument()
OpenAIInstrumentor().instrument()


@function_tool
def weather(place: str) -> str:
    """Return the weather of a place."""
    return f"rain in {place}"


def client(url: str) -> AsyncOpenAI:
    """Return the client below the agents."""
    return AsyncOpenAI(base_url=f"{url}/v1", api_key="made-up")


def responses_agent(url: str, **more: object) -> Agent:
    """Return an agent on the responses API."""
    return Agent(name="asker", model=OpenAIResponsesModel("o4-mini", client(url)), **more)


def chat_agent(url: str, **more: object) -> Agent:
    """Return an agent on chat completions."""
    return Agent(name="asker", model=OpenAIChatCompletionsModel("gpt-4.1", client(url)), **more)


@case.case("cached+reasoning")
async def responses(url: str) -> None:
    await Runner.run(responses_agent(url), "How many?")


@case.case("cached+reasoning")
async def responses_stream(url: str) -> None:
    [event async for event in Runner.run_streamed(responses_agent(url), "How many?").stream_events()]


@case.case()
async def responses_tools(url: str) -> None:
    await Runner.run(responses_agent(url, tools=[weather]), "Weather?")


@case.case("500-once")
async def responses_retried(url: str) -> None:
    await Runner.run(responses_agent(url), "How many?")


@case.case()
async def responses_parallel(url: str) -> None:
    await asyncio.gather(*[Runner.run(responses_agent(url), "How many?") for _ in range(3)])


@case.case("cached")
async def chat(url: str) -> None:
    await Runner.run(chat_agent(url), "How many?")


@case.case()
async def chat_tools(url: str) -> None:
    await Runner.run(chat_agent(url, tools=[weather]), "Weather?")


case.run(provider.force_flush)
