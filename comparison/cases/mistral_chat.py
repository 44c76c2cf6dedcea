"""The Mistral SDK."""

from __future__ import annotations

from typing import Any

from comparison.case import EXACT, REFUSED, cases_of
from comparison.reading import aread, read

try:
    from mistralai.client import Mistral
    from mistralai.client.utils import BackoffStrategy, RetryConfig
except ImportError:  # before mistralai 2
    from mistralai import Mistral
    from mistralai.utils import BackoffStrategy, RetryConfig

CASES = cases_of("mistralai")
MODEL = "mistral-large-latest"
RETRIES = RetryConfig("backoff", BackoffStrategy(1, 1, 1.0, 5000), retry_connection_errors=True)
ASK: list[Any] = [{"role": "user", "content": "How many tokens is this?"}]


def client(url: str) -> Any:
    """Return a client of Mistral; the caller holds it, for the SDK closes one without a reference."""
    return Mistral(api_key="made-up", server_url=url, retry_config=RETRIES)


@CASES("Mistral: chat", traits="as-mistral")
def chat(url: str) -> None:
    made = client(url)
    made.chat.complete(model=MODEL, messages=ASK)


@CASES("Mistral: chat async", traits="as-mistral")
async def chat_async(url: str) -> None:
    async with client(url) as made:
        await made.chat.complete_async(model=MODEL, messages=ASK)


@CASES("Mistral: chat stream", traits="as-mistral")
def chat_stream(url: str) -> None:
    made = client(url)
    read(made.chat.stream(model=MODEL, messages=ASK))


@CASES("Mistral: chat stream async", traits="as-mistral")
async def chat_stream_async(url: str) -> None:
    async with client(url) as made:
        await aread(await made.chat.stream_async(model=MODEL, messages=ASK))


@CASES("Mistral: chat retry 500 then ok", REFUSED, EXACT, traits="500-once")
def chat_retry_500_then_ok(url: str) -> None:
    made = client(url)
    made.chat.complete(model=MODEL, messages=ASK)


@CASES("Mistral: fim", traits="as-mistral")
def fim(url: str) -> None:
    made = client(url)
    made.fim.complete(model="codestral-latest", prompt="def many():", suffix="return 1")


@CASES("Mistral: embeddings", traits="as-mistral")
def embeddings(url: str) -> None:
    made = client(url)
    made.embeddings.create(model="mistral-embed", inputs=["How many?"])


@CASES("Mistral: ocr", traits="as-mistral")
def ocr(url: str) -> None:
    document = {"type": "document_url", "document_url": "https://example.com/many.pdf"}
    made = client(url)
    made.ocr.process(model="mistral-ocr-latest", document=document)
