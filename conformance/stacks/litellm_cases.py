"""What people do with LiteLLM as a library."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import litellm
from case import case

ASK: list[Any] = [{"role": "user", "content": "How many tokens is this?"}]
GPT, REASONER, CLAUDE = "openai/gpt-4.1", "openai/o4-mini", "anthropic/claude-sonnet-4-5"
PLACE = {"type": "object", "properties": {"place": {"type": "string"}}}
TOOL: Any = {"type": "function", "function": {"name": "weather", "description": "The weather", "parameters": PLACE}}
CALLBACK_S = 0.3  # the callback runs in a thread of its own, after the answer


def about(url: str, model: str) -> dict[str, Any]:
    """Return where a model is reached."""
    return {"model": model, "api_base": f"{url}/v1" if model.startswith("openai") else url, "api_key": "made-up"}


def complete(url: str, model: str = GPT, **more: Any) -> Any:
    """Make one completion and wait for its callback."""
    made = litellm.completion(**about(url, model), messages=more.pop("messages", ASK), **more)
    if more.get("stream"):
        list(made)
    time.sleep(CALLBACK_S)
    return made


@case()
def chat(url: str) -> None:
    complete(url)


@case("cached+reasoning")
def chat_cached_reasoning(url: str) -> None:
    complete(url, REASONER)


@case()
async def chat_async(url: str) -> None:
    await litellm.acompletion(**about(url, GPT), messages=ASK)
    await asyncio.sleep(CALLBACK_S)


@case()
def chat_stream(url: str) -> None:
    complete(url, stream=True, stream_options={"include_usage": True})


@case()
def chat_stream_without_usage(url: str) -> None:
    complete(url, stream=True)


@case()
def chat_stream_aborted(url: str) -> None:
    stream = litellm.completion(**about(url, GPT), messages=ASK, stream=True)
    next(iter(stream))
    del stream
    time.sleep(CALLBACK_S)


@case("429-once")
def chat_retried(url: str) -> None:
    complete(url, max_retries=2)


@case("429")
def chat_error(url: str) -> None:
    complete(url, max_retries=0)


@case()
def chat_tools(url: str) -> None:
    first = complete(url, tools=[TOOL]).choices[0].message
    result = {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "rain"}
    complete(url, messages=[*ASK, first.model_dump(exclude_none=True), result], tools=[TOOL])


@case()
async def chat_parallel(url: str) -> None:
    await asyncio.gather(*[litellm.acompletion(**about(url, GPT), messages=ASK) for _ in range(3)])
    await asyncio.sleep(CALLBACK_S)


@case()
def embeddings(url: str) -> None:
    litellm.embedding(**about(url, "openai/text-embedding-3-small"), input=["How many?"])
    time.sleep(CALLBACK_S)


@case()
def anthropic_messages(url: str) -> None:
    complete(url, CLAUDE)


@case("cached")
def anthropic_cached(url: str) -> None:
    complete(url, CLAUDE)


@case("cached")
def anthropic_stream(url: str) -> None:
    complete(url, CLAUDE, stream=True)
