"""pydantic-ai's own spans, its providers' SDKs uninstrumented but for Anthropic's native spans."""

import asyncio

import case
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from pydantic_ai import Agent, Embedder
from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.openai import OpenAIProvider

tracers = case.tracer_provider()
Agent.instrument_all()
Embedder.instrument_all()


def openai(url: str) -> OpenAIProvider:
    """Return the provider of OpenAI's models."""
    return OpenAIProvider(openai_client=AsyncOpenAI(base_url=f"{url}/v1", api_key="made-up"))


def gpt(url: str) -> Agent:
    """Return an agent on chat completions."""
    return Agent(OpenAIChatModel("gpt-4.1", provider=openai(url)))


def reasoner(url: str) -> Agent:
    """Return an agent on the responses API."""
    return Agent(OpenAIResponsesModel("o4-mini", provider=openai(url)))


def claude(url: str) -> Agent:
    """Return an agent on Anthropic."""
    client = AsyncAnthropic(base_url=url, api_key="made-up")
    return Agent(AnthropicModel("claude-sonnet-4-5", provider=AnthropicProvider(anthropic_client=client)))


def gemini(url: str) -> Agent:
    """Return an agent on Gemini."""
    return Agent(GoogleModel("gemini-2.5-pro", provider=GoogleProvider(api_key="made-up", base_url=url)))


def with_tool(agent: Agent) -> Agent:
    """Give an agent a tool, which it calls once."""

    @agent.tool_plain
    def weather(place: str) -> str:
        return f"rain in {place}"

    return agent


async def stream(agent: Agent) -> None:
    """Run an agent, streaming."""
    async with agent.run_stream("How many?") as run:
        [text async for text in run.stream_text()]


@case.case()
async def chat(url: str) -> None:
    await gpt(url).run("How many?")


@case.case("cached+reasoning")
async def chat_cached(url: str) -> None:
    await gpt(url).run("How many?")


@case.case()
async def chat_stream(url: str) -> None:
    await stream(gpt(url))


@case.case()
async def chat_stream_aborted(url: str) -> None:
    async with gpt(url).run_stream("How many?") as run:
        async for _text in run.stream_text():
            break


@case.case("500-once")
async def chat_retried(url: str) -> None:
    await gpt(url).run("How many?")


@case.case("429")
async def chat_error(url: str) -> None:
    await gpt(url).run("How many?")


@case.case()
async def chat_tools(url: str) -> None:
    await with_tool(gpt(url)).run("Weather?")


@case.case()
async def chat_parallel(url: str) -> None:
    agent = gpt(url)
    await asyncio.gather(*[agent.run("How many?") for _ in range(3)])


@case.case("cached+reasoning")
async def responses(url: str) -> None:
    await reasoner(url).run("How many?")


@case.case("cached+reasoning")
async def responses_stream(url: str) -> None:
    await stream(reasoner(url))


@case.case("cached")
async def anthropic_cached(url: str) -> None:
    await claude(url).run("How many?")


@case.case("cached+reasoning")
async def anthropic_stream(url: str) -> None:
    await stream(claude(url))


@case.case("cached")
async def anthropic_tools(url: str) -> None:
    await with_tool(claude(url)).run("Weather?")


@case.case("cached+reasoning")
async def gemini_cached(url: str) -> None:
    await gemini(url).run("How many?")


@case.case("reasoning")
async def gemini_stream(url: str) -> None:
    await stream(gemini(url))


@case.case()
async def embeddings(url: str) -> None:
    model = OpenAIEmbeddingModel("text-embedding-3-small", provider=openai(url))
    await Embedder(model).embed_query("How many?")


case.run(tracers.force_flush)
