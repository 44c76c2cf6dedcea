"""The SDKs of Cohere, Mistral, Groq and Ollama."""

from __future__ import annotations

from typing import Any

import cohere
import groq
import ollama

from comparison.case import ABORTED, EXACT, REFUSED, cases_of
from comparison.reading import aread, close_after, drop, failing, read

try:
    from mistralai.client import Mistral
    from mistralai.client.utils import BackoffStrategy, RetryConfig
except ImportError:  # before mistralai 2
    from mistralai import Mistral
    from mistralai.utils import BackoffStrategy, RetryConfig

COHERE, MISTRAL, GROQ, OLLAMA = cases_of("cohere"), cases_of("mistralai"), cases_of("groq"), cases_of("ollama")
ASK: list[Any] = [{"role": "user", "content": "How many tokens is this?"}]
COMMAND, LARGE, LLAMA, LOCAL = "command-a-03-2025", "mistral-large-latest", "llama-3.3-70b-versatile", "llama3.2"
RETRIES = RetryConfig("backoff", BackoffStrategy(1, 1, 1.0, 5000), retry_connection_errors=True)
GROQ_HTTP = groq.DefaultHttpxClient()


def command(url: str) -> Any:
    """Return a client of Cohere."""
    return cohere.ClientV2(api_key="made-up", base_url=url)


@COHERE("Cohere: chat")
def cohere_chat(url: str) -> None:
    command(url).chat(model=COMMAND, messages=ASK)


@COHERE("Cohere: chat async")
async def cohere_chat_async(url: str) -> None:
    async with cohere.AsyncClientV2(api_key="made-up", base_url=url) as made:
        await made.chat(model=COMMAND, messages=ASK)


@COHERE("Cohere: chat stream")
def cohere_chat_stream(url: str) -> None:
    read(command(url).chat_stream(model=COMMAND, messages=ASK))


@COHERE("Cohere: chat stream abort close", ABORTED)
def cohere_chat_stream_abort_close(url: str) -> None:
    close_after(2, command(url).chat_stream(model=COMMAND, messages=ASK))


@COHERE("Cohere: embed")
def cohere_embed(url: str) -> None:
    asked: Any = {"input_type": "search_query", "embedding_types": ["float"]}
    command(url).embed(model="embed-v4.0", texts=["How many?"], **asked)


@COHERE("Cohere: rerank")
def cohere_rerank(url: str) -> None:
    command(url).rerank(model="rerank-v3.5", query="How many?", documents=["One.", "Two."])


@COHERE("Cohere: v1 chat")
def cohere_v1_chat(url: str) -> None:
    cohere.Client(api_key="made-up", base_url=url).chat(model=COMMAND, message="How many?")


def mistral(url: str) -> Any:
    """Return a client of Mistral."""
    return Mistral(api_key="made-up", server_url=url, retry_config=RETRIES)


@MISTRAL("Mistral: chat", traits="as-mistral")
def mistral_chat(url: str) -> None:
    mistral(url).chat.complete(model=LARGE, messages=ASK)


@MISTRAL("Mistral: chat async", traits="as-mistral")
async def mistral_chat_async(url: str) -> None:
    async with mistral(url) as made:
        await made.chat.complete_async(model=LARGE, messages=ASK)


@MISTRAL("Mistral: chat stream", traits="as-mistral")
def mistral_chat_stream(url: str) -> None:
    read(mistral(url).chat.stream(model=LARGE, messages=ASK))


@MISTRAL("Mistral: chat stream async", traits="as-mistral")
async def mistral_chat_stream_async(url: str) -> None:
    async with mistral(url) as made:
        await aread(await made.chat.stream_async(model=LARGE, messages=ASK))


@MISTRAL("Mistral: chat retry 500 then ok", REFUSED, EXACT, traits="500-once")
def mistral_chat_retry_500_then_ok(url: str) -> None:
    mistral(url).chat.complete(model=LARGE, messages=ASK)


@MISTRAL("Mistral: fim", traits="as-mistral")
def mistral_fim(url: str) -> None:
    mistral(url).fim.complete(model="codestral-latest", prompt="def many():", suffix="return 1")


@MISTRAL("Mistral: embeddings", traits="as-mistral")
def mistral_embeddings(url: str) -> None:
    mistral(url).embeddings.create(model="mistral-embed", inputs=["How many?"])


@MISTRAL("Mistral: ocr", traits="as-mistral")
def mistral_ocr(url: str) -> None:
    document = {"type": "document_url", "document_url": "https://example.com/many.pdf"}
    mistral(url).ocr.process(model="mistral-ocr-latest", document=document)


def fast(url: str) -> Any:
    """Return a client of Groq, which puts ``/openai/v1`` before its paths."""
    return groq.Groq(api_key="made-up", base_url=url, http_client=GROQ_HTTP)


@GROQ("Groq: chat", traits="as-groq")
def groq_chat(url: str) -> None:
    fast(url).chat.completions.create(model=LLAMA, messages=ASK)


@GROQ("Groq: chat async", traits="as-groq")
async def groq_chat_async(url: str) -> None:
    async with groq.AsyncGroq(api_key="made-up", base_url=url) as made:
        await made.chat.completions.create(model=LLAMA, messages=ASK)


@GROQ("Groq: chat stream", traits="as-groq")
def groq_chat_stream(url: str) -> None:
    read(fast(url).chat.completions.create(model=LLAMA, messages=ASK, stream=True))


@GROQ("Groq: chat stream abort drop", ABORTED)
def groq_chat_stream_abort_drop(url: str) -> None:
    drop(lambda: fast(url).chat.completions.create(model=LLAMA, messages=ASK, stream=True))


@GROQ("Groq: chat retry 429 then ok", REFUSED, EXACT, traits="429-once")
def groq_chat_retry_429_then_ok(url: str) -> None:
    fast(url).chat.completions.create(model=LLAMA, messages=ASK)


@OLLAMA("Ollama: chat")
def ollama_chat(url: str) -> None:
    ollama.Client(host=url).chat(model=LOCAL, messages=ASK)


@OLLAMA("Ollama: chat async")
async def ollama_chat_async(url: str) -> None:
    await ollama.AsyncClient(host=url).chat(model=LOCAL, messages=ASK)


@OLLAMA("Ollama: chat stream")
def ollama_chat_stream(url: str) -> None:
    read(ollama.Client(host=url).chat(model=LOCAL, messages=ASK, stream=True))


@OLLAMA("Ollama: chat stream abort close", ABORTED)
def ollama_chat_stream_abort_close(url: str) -> None:
    close_after(2, ollama.Client(host=url).chat(model=LOCAL, messages=ASK, stream=True))


@OLLAMA("Ollama: generate")
def ollama_generate(url: str) -> None:
    ollama.Client(host=url).generate(model=LOCAL, prompt="How many?")


@OLLAMA("Ollama: embed")
def ollama_embed(url: str) -> None:
    ollama.Client(host=url).embed(model="nomic-embed-text", input="How many?")


@OLLAMA.free("Ollama: not there", traits="500")
def ollama_not_there(url: str) -> None:
    failing(ollama.ResponseError, lambda: ollama.Client(host=url).chat(model=LOCAL, messages=ASK))
