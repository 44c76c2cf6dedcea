"""What people do with the Anthropic SDK."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import anthropic
from case import case

MODEL = "claude-sonnet-4-5"
ASK: Any = [{"role": "user", "content": "How many tokens is this?"}]
PLACE = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
TOOL: Any = {"name": "weather", "description": "The weather", "input_schema": PLACE}
PARALLEL = 3
HTTP = anthropic.DefaultHttpxClient()  # one for all clients: making one reads all certificates


def client(url: str) -> anthropic.Anthropic:
    """Return a client as an application makes it."""
    return anthropic.Anthropic(base_url=url, api_key="made-up", max_retries=2, http_client=HTTP)


def aclient(url: str) -> anthropic.AsyncAnthropic:
    """Return an asynchronous client."""
    return anthropic.AsyncAnthropic(base_url=url, api_key="made-up", max_retries=2)


def message(url: str, **more: Any) -> Any:
    """Make one message."""
    return client(url).messages.create(**{"model": MODEL, "max_tokens": 999, "messages": ASK, **more})


@case()
def anthropic_messages(url: str) -> None:
    message(url)


@case("cached")
def anthropic_messages_cached(url: str) -> None:
    message(url)


@case("cached+reasoning")
async def anthropic_messages_reasoning(url: str) -> None:
    await aclient(url).messages.create(model=MODEL, max_tokens=999, messages=ASK)


@case("cached")
def anthropic_messages_stream(url: str) -> None:
    list(message(url, stream=True))


@case("cached+reasoning")
async def anthropic_messages_stream_async(url: str) -> None:
    stream = await aclient(url).messages.create(model=MODEL, max_tokens=999, messages=ASK, stream=True)
    [event async for event in stream]


@case("cached")
def anthropic_messages_stream_helper(url: str) -> None:
    with client(url).messages.stream(model=MODEL, max_tokens=999, messages=ASK) as stream:
        stream.until_done()


@case("cached")
def anthropic_messages_stream_aborted(url: str) -> None:
    stream = message(url, stream=True)
    for _event, _wanted in zip(stream, range(2), strict=False):
        pass
    stream.close()


@case("cut")
def anthropic_messages_stream_cut(url: str) -> None:
    list(message(url, stream=True))


@case("429-once")
def anthropic_messages_retried_429(url: str) -> None:
    message(url)


@case("529-once+cached")
async def anthropic_messages_retried_529(url: str) -> None:
    await aclient(url).messages.create(model=MODEL, max_tokens=999, messages=ASK)


@case("529")
def anthropic_messages_error(url: str) -> None:
    message(url)


@case("cached")
def anthropic_messages_tools(url: str) -> None:
    first = message(url, tools=[TOOL])
    result = {"type": "tool_result", "tool_use_id": first.content[0].id, "content": "rain"}
    said = [*ASK, {"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    message(url, messages=said, tools=[TOOL])


@case()
def anthropic_messages_parallel(url: str) -> None:
    with ThreadPoolExecutor(PARALLEL) as pool:
        for future in [pool.submit(copy_context().run, lambda: message(url)) for _ in range(PARALLEL)]:
            future.result()


@case("cached")
def anthropic_messages_raw_response(url: str) -> None:
    made = client(url).messages.with_raw_response
    made.create(model=MODEL, max_tokens=999, messages=ASK).parse()
