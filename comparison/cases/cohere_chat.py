"""The Cohere SDK."""

from __future__ import annotations

from typing import Any

import cohere

from comparison.case import ABORTED, cases_of
from comparison.reading import close_after, read

CASES = cases_of("cohere")
MODEL = "command-a-03-2025"
ASK: list[Any] = [{"role": "user", "content": "How many tokens is this?"}]


def client(url: str) -> Any:
    """Return a client of Cohere."""
    return cohere.ClientV2(api_key="made-up", base_url=url)


@CASES("Cohere: chat")
def chat(url: str) -> None:
    client(url).chat(model=MODEL, messages=ASK)


@CASES("Cohere: chat async")
async def chat_async(url: str) -> None:
    async with cohere.AsyncClientV2(api_key="made-up", base_url=url) as made:
        await made.chat(model=MODEL, messages=ASK)


@CASES("Cohere: chat stream")
def chat_stream(url: str) -> None:
    read(client(url).chat_stream(model=MODEL, messages=ASK))


@CASES("Cohere: chat stream abort close", ABORTED)
def chat_stream_abort_close(url: str) -> None:
    close_after(2, client(url).chat_stream(model=MODEL, messages=ASK))


@CASES("Cohere: embed")
def embed(url: str) -> None:
    asked: Any = {"input_type": "search_query", "embedding_types": ["float"]}
    client(url).embed(model="embed-v4.0", texts=["How many?"], **asked)


@CASES("Cohere: rerank")
def rerank(url: str) -> None:
    client(url).rerank(model="rerank-v3.5", query="How many?", documents=["One.", "Two."])


@CASES("Cohere: v1 chat")
def v1_chat(url: str) -> None:
    cohere.Client(api_key="made-up", base_url=url).chat(model=MODEL, message="How many?")
