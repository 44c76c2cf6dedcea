"""Calls with the real SDKs to whatever the environment names as the provider; the table of cases is ``comparison``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import anthropic
import openai

GPT, CLAUDE = "gpt-5-mini", "claude-sonnet-5"
ASK: list[Any] = [{"role": "user", "content": "How many tokens is this?"}]


def chat(model: str = GPT, client: openai.OpenAI | None = None, **more: Any) -> Any:
    return (client or openai.OpenAI()).chat.completions.create(model=model, messages=ASK, **more)


def message(model: str = CLAUDE, client: anthropic.Anthropic | None = None, **more: Any) -> Any:
    return (client or anthropic.Anthropic()).messages.create(model=model, max_tokens=99, messages=ASK, **more)


def read(stream: Any) -> None:
    assert [*stream]


def stop_after(stream: Any, pieces: int) -> None:
    for _, _piece in zip(range(pieces), stream, strict=False):
        pass
    stream.close()


def run(make: Callable[[], Any]) -> None:
    asyncio.run(make())


async def achat(model: str = GPT, **more: Any) -> None:
    async with openai.AsyncOpenAI() as client:
        answer: Any = await client.chat.completions.create(model=model, messages=ASK, **more)
        if more.get("stream"):
            assert [piece async for piece in answer]
