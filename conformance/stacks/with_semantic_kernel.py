"""Semantic Kernel with its own model diagnostics."""

import os

os.environ["SEMANTICKERNEL_EXPERIMENTAL_GENAI_ENABLE_OTEL_DIAGNOSTICS"] = "true"

import asyncio

import case
from openai import AsyncOpenAI
from semantic_kernel.agents import ChatCompletionAgent
from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion
from semantic_kernel.functions import kernel_function

provider = case.tracer_provider()


class Forecast:
    """A plugin with one function."""

    @kernel_function(name="weather", description="The weather of a place")
    def weather(self, place: str) -> str:
        """Return the weather of a place."""
        return f"rain in {place}"


def agent(url: str, *plugins: object, model: str = "gpt-4.1") -> ChatCompletionAgent:
    """Return an agent on chat completions."""
    service = OpenAIChatCompletion(ai_model_id=model, async_client=AsyncOpenAI(base_url=f"{url}/v1", api_key="made-up"))
    return ChatCompletionAgent(service=service, name="asker", plugins=list(plugins))


@case.case()
async def chat(url: str) -> None:
    await agent(url).get_response("How many?")


@case.case("cached+reasoning")
async def chat_cached_reasoning(url: str) -> None:
    await agent(url, model="o4-mini").get_response("How many?")


@case.case()
async def chat_stream(url: str) -> None:
    [piece async for piece in agent(url).invoke_stream("How many?")]


@case.case("500-once")
async def chat_retried(url: str) -> None:
    await agent(url).get_response("How many?")


@case.case()
async def chat_tools(url: str) -> None:
    await agent(url, Forecast()).get_response("Weather?")


@case.case()
async def chat_parallel(url: str) -> None:
    await asyncio.gather(*[agent(url).get_response("How many?") for _ in range(3)])


case.run(provider.force_flush)
