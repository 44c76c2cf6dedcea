"""What people do with the OpenAI SDK."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import openai
from case import case

MODEL, REASONER, EMBEDDER = "gpt-4.1", "o4-mini", "text-embedding-3-small"
ASK: list[Any] = [{"role": "user", "content": "How many tokens is this?"}]
WITH_USAGE: Any = {"include_usage": True}
PLACE = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
TOOL: Any = {"type": "function", "function": {"name": "weather", "description": "The weather", "parameters": PLACE}}
PARALLEL = 3
HTTP = openai.DefaultHttpxClient()  # one for all clients: making one reads all certificates


def client(url: str) -> openai.OpenAI:
    """Return a client as an application makes it."""
    return openai.OpenAI(base_url=f"{url}/v1", api_key="made-up", max_retries=2, http_client=HTTP)


def aclient(url: str) -> openai.AsyncOpenAI:
    """Return an asynchronous client."""
    return openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="made-up", max_retries=2)


def chat(url: str, **more: Any) -> Any:
    """Make one chat completion."""
    return client(url).chat.completions.create(model=MODEL, messages=ASK, **more)


def in_parallel(call: Any) -> None:
    """Make the same call in several threads at once, in the caller's context."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        for future in [pool.submit(copy_context().run, call) for _ in range(PARALLEL)]:
            future.result()


@case()
def openai_chat(url: str) -> None:
    chat(url)


@case()
async def openai_chat_async(url: str) -> None:
    await aclient(url).chat.completions.create(model=MODEL, messages=ASK)


@case("cached")
def openai_chat_cached(url: str) -> None:
    chat(url)


@case("cached+reasoning")
def openai_chat_reasoning(url: str) -> None:
    client(url).chat.completions.create(model=REASONER, messages=ASK)


@case()
def openai_chat_stream(url: str) -> None:
    list(chat(url, stream=True, stream_options=WITH_USAGE))


@case("cached+reasoning")
async def openai_chat_stream_async(url: str) -> None:
    made = aclient(url).chat.completions
    stream = await made.create(model=REASONER, messages=ASK, stream=True, stream_options=WITH_USAGE)
    [chunk async for chunk in stream]


@case()
def openai_chat_stream_helper(url: str) -> None:
    with client(url).chat.completions.stream(model=MODEL, messages=ASK, stream_options=WITH_USAGE) as stream:
        list(stream)


@case()
def openai_chat_stream_without_usage(url: str) -> None:
    list(chat(url, stream=True))


@case()
def openai_chat_stream_aborted(url: str) -> None:
    stream = chat(url, stream=True, stream_options=WITH_USAGE)
    for _chunk, _wanted in zip(stream, range(2), strict=False):
        pass
    stream.close()


@case("cut")
def openai_chat_stream_cut(url: str) -> None:
    list(chat(url, stream=True, stream_options=WITH_USAGE))


@case("429-once")
def openai_chat_retried_429(url: str) -> None:
    chat(url)


@case("500-once")
async def openai_chat_retried_500(url: str) -> None:
    await aclient(url).chat.completions.create(model=MODEL, messages=ASK)


@case("429")
def openai_chat_error(url: str) -> None:
    chat(url)


@case()
def openai_chat_tools(url: str) -> None:
    first = chat(url, tools=[TOOL]).choices[0].message
    result = {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "rain"}
    said = [*ASK, first.model_dump(exclude_none=True), result]
    client(url).chat.completions.create(model=MODEL, messages=said, tools=[TOOL])


@case()
def openai_chat_n3(url: str) -> None:
    chat(url, n=3)


@case()
def openai_chat_parallel(url: str) -> None:
    in_parallel(lambda: chat(url))


@case()
async def openai_chat_parallel_async(url: str) -> None:
    made = aclient(url).chat.completions
    await asyncio.gather(*[made.create(model=MODEL, messages=ASK) for _ in range(PARALLEL)])


@case("cached")
def openai_chat_raw_response(url: str) -> None:
    client(url).chat.completions.with_raw_response.create(model=MODEL, messages=ASK).parse()


@case("no-usage")
def openai_chat_no_usage(url: str) -> None:
    chat(url)


@case()
def openai_embeddings(url: str) -> None:
    client(url).embeddings.create(model=EMBEDDER, input=["How many here?", "How many there?"])


@case()
def openai_embeddings_parallel(url: str) -> None:
    in_parallel(lambda: client(url).embeddings.create(model=EMBEDDER, input="How many, again?"))


@case("cached+reasoning")
def openai_responses(url: str) -> None:
    client(url).responses.create(model=REASONER, input="How many?")


@case("cached+reasoning")
async def openai_responses_async(url: str) -> None:
    await aclient(url).responses.create(model=REASONER, input="How many?")


@case("cached+reasoning")
def openai_responses_stream(url: str) -> None:
    list(client(url).responses.create(model=REASONER, input="How many?", stream=True))


@case()
def openai_responses_stream_aborted(url: str) -> None:
    stream = client(url).responses.create(model=MODEL, input="How many?", stream=True)
    for _event, _wanted in zip(stream, range(1), strict=False):
        pass
    stream.close()


@case("500-once")
def openai_responses_retried(url: str) -> None:
    client(url).responses.create(model=MODEL, input="How many?")


@case()
def openai_responses_tools(url: str) -> None:
    tool: Any = {"type": "function", "name": "weather", "parameters": PLACE, "strict": False}
    first = client(url).responses.create(model=MODEL, input="Weather?", tools=[tool])
    said: Any = [
        {"role": "user", "content": "Weather?"},
        first.output[0].model_dump(exclude_none=True),
        {"type": "function_call_output", "call_id": first.output[0].call_id, "output": "rain"},
    ]
    client(url).responses.create(model=MODEL, input=said, tools=[tool])
