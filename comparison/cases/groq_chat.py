"""The Groq SDK."""

from __future__ import annotations

from typing import Any

import groq

from comparison.case import ABORTED, EXACT, REFUSED, cases_of
from comparison.reading import drop, read

CASES = cases_of("groq")
MODEL = "llama-3.3-70b-versatile"
HTTP = groq.DefaultHttpxClient()
ASK: list[Any] = [{"role": "user", "content": "How many tokens is this?"}]


def client(url: str) -> Any:
    """Return a client of Groq, which puts ``/openai/v1`` before its paths."""
    return groq.Groq(api_key="made-up", base_url=url, http_client=HTTP)


@CASES("Groq: chat", traits="as-groq")
def chat(url: str) -> None:
    client(url).chat.completions.create(model=MODEL, messages=ASK)


@CASES("Groq: chat async", traits="as-groq")
async def chat_async(url: str) -> None:
    async with groq.AsyncGroq(api_key="made-up", base_url=url) as made:
        await made.chat.completions.create(model=MODEL, messages=ASK)


@CASES("Groq: chat stream", traits="as-groq")
def chat_stream(url: str) -> None:
    read(client(url).chat.completions.create(model=MODEL, messages=ASK, stream=True))


@CASES("Groq: chat stream abort drop", ABORTED)
def chat_stream_abort_drop(url: str) -> None:
    drop(lambda: client(url).chat.completions.create(model=MODEL, messages=ASK, stream=True))


@CASES("Groq: chat retry 429 then ok", REFUSED, EXACT, traits="429-once")
def chat_retry_429_then_ok(url: str) -> None:
    client(url).chat.completions.create(model=MODEL, messages=ASK)
