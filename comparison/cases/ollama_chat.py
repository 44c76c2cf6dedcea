"""The Ollama SDK."""

from __future__ import annotations

from typing import Any

import ollama

from comparison.case import ABORTED, cases_of
from comparison.reading import close_after, failing, read

CASES = cases_of("ollama")
MODEL = "llama3.2"
ASK: list[Any] = [{"role": "user", "content": "How many tokens is this?"}]


@CASES("Ollama: chat")
def chat(url: str) -> None:
    ollama.Client(host=url).chat(model=MODEL, messages=ASK)


@CASES("Ollama: chat async")
async def chat_async(url: str) -> None:
    await ollama.AsyncClient(host=url).chat(model=MODEL, messages=ASK)


@CASES("Ollama: chat stream")
def chat_stream(url: str) -> None:
    read(ollama.Client(host=url).chat(model=MODEL, messages=ASK, stream=True))


@CASES("Ollama: chat stream abort close", ABORTED)
def chat_stream_abort_close(url: str) -> None:
    close_after(2, ollama.Client(host=url).chat(model=MODEL, messages=ASK, stream=True))


@CASES("Ollama: generate")
def generate(url: str) -> None:
    ollama.Client(host=url).generate(model=MODEL, prompt="How many?")


@CASES("Ollama: embed")
def embed(url: str) -> None:
    ollama.Client(host=url).embed(model="nomic-embed-text", input="How many?")


@CASES.free("Ollama: not there", traits="500")
def not_there(url: str) -> None:
    failing(ollama.ResponseError, lambda: ollama.Client(host=url).chat(model=MODEL, messages=ASK))
