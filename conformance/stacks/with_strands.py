"""Strands agents with their own spans, on OpenAI, Anthropic and Bedrock."""

import asyncio

import boto3
import case
from strands import Agent, tool
from strands.models.anthropic import AnthropicModel
from strands.models.bedrock import BedrockModel
from strands.models.openai import OpenAIModel

provider = case.tracer_provider()


@tool
def weather(place: str) -> str:
    """Return the weather of a place."""
    return f"rain in {place}"


def gpt(url: str, **more: object) -> Agent:
    """Return an agent on chat completions."""
    model = OpenAIModel(client_args={"base_url": f"{url}/v1", "api_key": "made-up"}, model_id="gpt-4.1")
    return Agent(model=model, callback_handler=None, **more)


def claude(url: str, **more: object) -> Agent:
    """Return an agent on Anthropic."""
    about = {"base_url": url, "api_key": "made-up"}
    model = AnthropicModel(client_args=about, model_id="claude-sonnet-4-5", max_tokens=999)
    return Agent(model=model, callback_handler=None, **more)


def bedrock(url: str, **more: object) -> Agent:
    """Return an agent on Bedrock."""
    session = boto3.Session("made-up", "made-up", region_name="eu-central-1")
    model = BedrockModel(model_id="anthropic.claude-3-5-sonnet-20241022-v2:0", endpoint_url=url, boto_session=session)
    return Agent(model=model, callback_handler=None, **more)


@case.case()
def openai(url: str) -> None:
    gpt(url)("How many?")


@case.case("cached+reasoning")
def openai_cached(url: str) -> None:
    gpt(url)("How many?")


@case.case()
async def openai_stream(url: str) -> None:
    [event async for event in gpt(url).stream_async("How many?")]


@case.case("500-once")
def openai_retried(url: str) -> None:
    gpt(url)("How many?")


@case.case()
def openai_tools(url: str) -> None:
    gpt(url, tools=[weather])("Weather?")


@case.case()
async def openai_parallel(url: str) -> None:
    await asyncio.gather(*[gpt(url).invoke_async("How many?") for _ in range(3)])


@case.case("cached")
def anthropic_cached(url: str) -> None:
    claude(url)("How many?")


@case.case("cached")
def anthropic_tools(url: str) -> None:
    claude(url, tools=[weather])("Weather?")


@case.case("cached")
def bedrock_cached(url: str) -> None:
    bedrock(url)("How many?")


@case.case("cached")
def bedrock_tools(url: str) -> None:
    bedrock(url, tools=[weather])("Weather?")


case.run(provider.force_flush)
