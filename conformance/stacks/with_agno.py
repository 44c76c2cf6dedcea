"""agno under OpenInference, and the OpenAI SDK below it as well; Anthropic's native spans are on."""

import os

os.environ["AGNO_TELEMETRY"] = "false"

import asyncio

import case
from agno.agent import Agent
from agno.models.anthropic import Claude
from agno.models.openai import OpenAIChat, OpenAIResponses
from openinference.instrumentation.agno import AgnoInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor

provider = case.tracer_provider()
AgnoInstrumentor().instrument()
OpenAIInstrumentor().instrument()


def weather(place: str) -> str:
    """Return the weather of a place."""
    return f"rain in {place}"


def gpt(url: str, **more: object) -> Agent:
    """Return an agent on chat completions."""
    return Agent(model=OpenAIChat(id="gpt-4.1", base_url=f"{url}/v1", api_key="made-up"), telemetry=False, **more)


def reasoner(url: str) -> Agent:
    """Return an agent on the responses API."""
    return Agent(model=OpenAIResponses(id="o4-mini", base_url=f"{url}/v1", api_key="made-up"), telemetry=False)


def claude(url: str, **more: object) -> Agent:
    """Return an agent on Anthropic."""
    model = Claude(id="claude-sonnet-4-5", api_key="made-up", client_params={"base_url": url})
    return Agent(model=model, telemetry=False, **more)


@case.case()
def chat(url: str) -> None:
    gpt(url).run("How many?")


@case.case("cached+reasoning")
async def chat_async(url: str) -> None:
    await gpt(url).arun("How many?")


@case.case("cached")
def chat_stream(url: str) -> None:
    list(gpt(url).run("How many?", stream=True))


@case.case("500-once")
def chat_retried(url: str) -> None:
    gpt(url).run("How many?")


@case.case()
def chat_tools(url: str) -> None:
    gpt(url, tools=[weather]).run("Weather?")


@case.case()
async def chat_parallel(url: str) -> None:
    await asyncio.gather(*[gpt(url).arun("How many?") for _ in range(3)])


@case.case("cached+reasoning")
def responses(url: str) -> None:
    reasoner(url).run("How many?")


@case.case("cached")
def anthropic_cached(url: str) -> None:
    claude(url).run("How many?")


@case.case("cached")
def anthropic_stream(url: str) -> None:
    list(claude(url).run("How many?", stream=True))


@case.case("cached")
def anthropic_tools(url: str) -> None:
    claude(url, tools=[weather]).run("Weather?")


case.run(provider.force_flush)
