"""Microsoft's Agent Framework with its own spans, and Anthropic's native spans below it."""

import asyncio

import case
from agent_framework import Agent
from agent_framework.anthropic import AnthropicClient
from agent_framework.observability import enable_instrumentation
from agent_framework.openai import OpenAIChatClient, OpenAIChatCompletionClient
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

provider = case.tracer_provider()
enable_instrumentation()


def weather(place: str) -> str:
    """Return the weather of a place."""
    return f"rain in {place}"


def openai(url: str) -> AsyncOpenAI:
    """Return the client below the agents."""
    return AsyncOpenAI(base_url=f"{url}/v1", api_key="made-up")


def responses_agent(url: str, **more: object) -> Agent:
    """Return an agent on the responses API."""
    return Agent(client=OpenAIChatClient(model="o4-mini", async_client=openai(url)), **more)


def chat_agent(url: str, **more: object) -> Agent:
    """Return an agent on chat completions."""
    return Agent(client=OpenAIChatCompletionClient(model="gpt-4.1", async_client=openai(url)), **more)


def claude(url: str, **more: object) -> Agent:
    """Return an agent on Anthropic."""
    client = AsyncAnthropic(base_url=url, api_key="made-up")
    return Agent(client=AnthropicClient(model="claude-sonnet-4-5", anthropic_client=client), **more)


@case.case("cached+reasoning")
async def responses(url: str) -> None:
    await responses_agent(url).run("How many?")


@case.case("cached+reasoning")
async def responses_stream(url: str) -> None:
    [update async for update in responses_agent(url).run("How many?", stream=True)]


@case.case()
async def responses_tools(url: str) -> None:
    await responses_agent(url, tools=[weather]).run("Weather?")


@case.case("cached")
async def chat(url: str) -> None:
    await chat_agent(url).run("How many?")


@case.case("500-once")
async def chat_retried(url: str) -> None:
    await chat_agent(url).run("How many?")


@case.case()
async def chat_parallel(url: str) -> None:
    await asyncio.gather(*[chat_agent(url).run("How many?") for _ in range(3)])


@case.case("cached")
async def anthropic_cached(url: str) -> None:
    await claude(url).run("How many?")


@case.case("cached")
async def anthropic_tools(url: str) -> None:
    await claude(url, tools=[weather]).run("Weather?")


case.run(provider.force_flush)
