"""The Langfuse SDK: its drop-in OpenAI client, and Anthropic's native spans sent along."""

import asyncio
from typing import Any

import case
from langfuse import Langfuse
from langfuse.openai import AsyncOpenAI, OpenAI

provider = case.tracer_provider()
langfuse = Langfuse(
    public_key="pk-made-up", secret_key="sk-made-up", tracer_provider=provider, span_exporter=case.exporter()
)

ASK: list[Any] = [{"role": "user", "content": "How many tokens is this?"}]
GPT, REASONER = "gpt-4.1", "o4-mini"
PLACE = {"type": "object", "properties": {"place": {"type": "string"}}}
TOOL: Any = {"type": "function", "function": {"name": "weather", "description": "The weather", "parameters": PLACE}}
WITH_USAGE: Any = {"include_usage": True}


def client(url: str) -> OpenAI:
    """Return Langfuse's client."""
    return OpenAI(base_url=f"{url}/v1", api_key="made-up")


def complete(url: str, model: str = GPT, **more: Any) -> Any:
    """Make one chat completion."""
    return client(url).chat.completions.create(model=model, messages=more.pop("messages", ASK), **more)


@case.case()
def chat(url: str) -> None:
    complete(url)


@case.case("cached+reasoning")
def chat_cached_reasoning(url: str) -> None:
    complete(url, REASONER)


@case.case("cached")
async def chat_async(url: str) -> None:
    await AsyncOpenAI(base_url=f"{url}/v1", api_key="made-up").chat.completions.create(model=GPT, messages=ASK)


@case.case("cached+reasoning")
def chat_stream(url: str) -> None:
    list(complete(url, stream=True, stream_options=WITH_USAGE))


@case.case()
def chat_stream_without_usage(url: str) -> None:
    list(complete(url, stream=True))


@case.case()
def chat_stream_aborted(url: str) -> None:
    stream = complete(url, stream=True, stream_options=WITH_USAGE)
    next(stream)
    stream.close()


@case.case("429-once")
def chat_retried(url: str) -> None:
    complete(url)


@case.case("429")
def chat_error(url: str) -> None:
    complete(url)


@case.case()
def chat_tools(url: str) -> None:
    first = complete(url, tools=[TOOL]).choices[0].message
    result = {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "rain"}
    complete(url, messages=[*ASK, first.model_dump(exclude_none=True), result], tools=[TOOL])


@case.case()
async def chat_parallel(url: str) -> None:
    made = AsyncOpenAI(base_url=f"{url}/v1", api_key="made-up").chat.completions
    await asyncio.gather(*[made.create(model=GPT, messages=ASK) for _ in range(3)])


@case.case()
def embeddings(url: str) -> None:
    client(url).embeddings.create(model="text-embedding-3-small", input=["How many?"])


@case.case("cached+reasoning")
def responses(url: str) -> None:
    client(url).responses.create(model=REASONER, input="How many?")


@case.case("cached+reasoning")
def responses_stream(url: str) -> None:
    list(client(url).responses.create(model=REASONER, input="How many?", stream=True))


case.run(langfuse.flush, provider.force_flush)
