"""What people do with LangChain: chat models, streams, tools, an agent."""

from typing import Any

from case import case
from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings


@tool
def weather(place: str) -> str:
    """Return the weather of a place."""
    return f"rain in {place}"


def gpt(url: str, model: str = "gpt-4.1", **more: Any) -> ChatOpenAI:
    """Return OpenAI's chat model."""
    return ChatOpenAI(model=model, base_url=f"{url}/v1", api_key="made-up", **more)


def claude(url: str) -> ChatAnthropic:
    """Return Anthropic's chat model."""
    return ChatAnthropic(model="claude-sonnet-4-5", base_url=url, api_key="made-up")


@case()
def chat(url: str) -> None:
    gpt(url).invoke("How many?")


@case("cached+reasoning")
async def chat_async(url: str) -> None:
    await gpt(url, "o4-mini").ainvoke("How many?")


@case("cached+reasoning")
def chat_stream(url: str) -> None:
    list(gpt(url, "o4-mini", stream_usage=True).stream("How many?"))


@case()
def chat_stream_without_usage(url: str) -> None:
    list(gpt(url, stream_usage=False).stream("How many?"))


@case("500-once")
def chat_retried(url: str) -> None:
    gpt(url).invoke("How many?")


@case("429")
def chat_error(url: str) -> None:
    gpt(url, max_retries=0).invoke("How many?")


@case()
def chat_parallel(url: str) -> None:
    gpt(url).batch(["How many?"] * 3)


@case()
def agent_with_tool(url: str) -> None:
    create_agent(gpt(url), [weather]).invoke({"messages": [("user", "Weather in Oslo?")]})


@case("cached+reasoning")
def responses(url: str) -> None:
    gpt(url, "o4-mini", use_responses_api=True).invoke("How many?")


@case()
def embeddings(url: str) -> None:
    made = OpenAIEmbeddings(
        model="text-embedding-3-small", base_url=f"{url}/v1", api_key="made-up", check_embedding_ctx_length=False
    )
    made.embed_query("How many?")


@case("cached")
def anthropic_cached(url: str) -> None:
    claude(url).invoke("How many?")


@case("cached+reasoning")
def anthropic_stream(url: str) -> None:
    list(claude(url).stream("How many?"))


@case("cached")
def anthropic_agent_with_tool(url: str) -> None:
    create_agent(claude(url), [weather]).invoke({"messages": [("user", "Weather in Oslo?")]})
