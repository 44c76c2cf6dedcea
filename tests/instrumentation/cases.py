"""Calls with the real SDKs, as their documentation shows them, and what must be recorded of each."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import anthropic
import openai

GPT, CLAUDE = "gpt-5-mini", "claude-sonnet-5"
ASK: list[Any] = [{"role": "user", "content": "How many tokens is this?"}]
TOOL = {"name": "weather", "parameters": {"type": "object", "properties": {"place": {"type": "string"}}}}
WITH_USAGE: Any = {"include_usage": True}

complete, failed, aborted, timeout = "complete", "failed", "aborted", "timeout"
exact, estimated, unmeasured = "exact", "estimated", "unmeasured"


def gpt(**options: Any) -> openai.OpenAI:
    return openai.OpenAI(**options)


def claude(**options: Any) -> anthropic.Anthropic:
    return anthropic.Anthropic(**options)


def chat(model: str = GPT, client: openai.OpenAI | None = None, **more: Any) -> Any:
    return (client or gpt()).chat.completions.create(model=model, messages=ASK, **more)


def message(model: str = CLAUDE, client: anthropic.Anthropic | None = None, **more: Any) -> Any:
    return (client or claude()).messages.create(model=model, max_tokens=99, messages=ASK, **more)


def read(stream: Any) -> None:
    assert [*stream]


def stop_after(stream: Any, pieces: int) -> None:
    for _, _piece in zip(range(pieces), stream, strict=False):
        pass
    stream.close()


def drop(stream: Any) -> None:
    next(iter(stream))
    del stream


def quietly(kind: type[BaseException], call: Callable[[], Any]) -> None:
    with contextlib.suppress(kind):
        call()
        return
    gc.collect()


def run(make: Callable[[], Any]) -> None:
    asyncio.run(make())


async def achat(model: str = GPT, **more: Any) -> None:
    async with openai.AsyncOpenAI() as client:
        answer: Any = await client.chat.completions.create(model=model, messages=ASK, **more)
        if more.get("stream"):
            assert [piece async for piece in answer]


async def amessage(**more: Any) -> None:
    async with anthropic.AsyncAnthropic() as client:
        answer: Any = await client.messages.create(model=CLAUDE, max_tokens=99, messages=ASK, **more)
        if more.get("stream"):
            assert [piece async for piece in answer]


async def aresponse(**more: Any) -> None:
    async with openai.AsyncOpenAI() as client:
        answer: Any = await client.responses.create(model=GPT, input="How many?", **more)
        if more.get("stream"):
            assert [piece async for piece in answer]


async def cancelled(make: Callable[[], Any]) -> None:
    """Cancel a task in the middle of a stream."""
    begun = asyncio.Event()

    async def consume() -> None:
        async for _ in await make():
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(consume())
    await begun.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    del task
    gc.collect()


def cancelled_chat() -> None:
    async def main() -> None:
        async with openai.AsyncOpenAI() as client:
            await cancelled(lambda: client.chat.completions.create(model=GPT, messages=ASK, stream=True))

    asyncio.run(main())


def cancelled_message() -> None:
    async def main() -> None:
        async with anthropic.AsyncAnthropic() as client:
            await cancelled(
                lambda: client.messages.create(model=CLAUDE, max_tokens=99, messages=ASK, stream=True),
            )

    asyncio.run(main())


def raised_inside() -> None:
    with contextlib.suppress(KeyError), chat(stream=True) as stream:
        for _ in stream:
            raise KeyError


def streaming_response() -> None:
    with gpt().chat.completions.with_streaming_response.create(model=GPT, messages=ASK) as answer:
        assert answer.parse().id


def claude_streaming_response() -> None:
    with claude().messages.with_streaming_response.create(model=CLAUDE, max_tokens=99, messages=ASK) as answer:
        assert answer.read()


def claude_helper() -> None:
    with claude().messages.stream(model=CLAUDE, max_tokens=99, messages=ASK) as stream:
        assert stream.get_final_message().usage.output_tokens


def gpt_helper() -> None:
    with gpt().chat.completions.stream(model=GPT, messages=ASK, stream_options=WITH_USAGE) as stream:
        assert stream.get_final_completion().id


def responses_helper() -> None:
    with gpt().responses.stream(model=GPT, input="How many?") as stream:
        assert stream.get_final_response().id


def azure() -> None:
    base = str(gpt().base_url).removesuffix("/v1/")
    client = openai.AzureOpenAI(api_version="2025-01-01", azure_endpoint=base, azure_deployment="prod-gpt", api_key="k")
    chat(client=client)


@dataclass(frozen=True)
class Case:
    name: str
    call: Callable[[], Any]
    expected: tuple[tuple[str, str], ...] = ((complete, exact),)


CHAT = [
    Case("chat", chat),
    Case("chat async", lambda: run(achat)),
    Case("chat tools", lambda: chat(tools=[{"type": "function", "function": TOOL}])),
    Case("chat of a model without reasoning", lambda: chat("gpt-4o")),
    Case("chat stream", lambda: read(chat(stream=True, stream_options=WITH_USAGE))),
    Case("chat stream async", lambda: run(lambda: achat(stream=True, stream_options=WITH_USAGE))),
    Case(
        "chat stream tools",
        lambda: read(
            chat(stream=True, stream_options=WITH_USAGE, tools=[{"type": "function", "function": TOOL}]),
        ),
    ),
    Case("chat stream helper", gpt_helper),
    Case("chat stream without usage", lambda: read(chat(stream=True)), ((complete, estimated),)),
    Case("chat raw response", lambda: gpt().chat.completions.with_raw_response.create(model=GPT, messages=ASK).parse()),
    Case("chat streaming response", streaming_response),
    Case(
        "chat by client.post",
        lambda: gpt().post("/chat/completions", cast_to=object, body={"model": GPT, "messages": ASK}),
    ),
    Case("chat on Azure", azure),
    Case("chat without usage", lambda: chat(f"{GPT}!no-usage"), ((complete, estimated),)),
    Case("chat with null usage", lambda: chat(f"{GPT}!null-usage"), ((complete, estimated),)),
    Case("chat 429 then ok", lambda: chat(f"{GPT}!429-once"), ((failed, unmeasured), (complete, exact))),
    Case("chat 500 then ok", lambda: chat(f"{GPT}!500-once"), ((failed, unmeasured), (complete, exact))),
    Case(
        "chat always 429",
        lambda: quietly(openai.RateLimitError, lambda: chat(f"{GPT}!429")),
        ((failed, unmeasured),) * 3,
    ),
    Case(
        "chat timeout then ok",
        lambda: chat(f"{GPT}!hang-once", gpt(timeout=0.5)),
        ((timeout, estimated), (complete, exact)),
    ),
    Case("chat closed", lambda: stop_after(chat(stream=True), 3), ((aborted, estimated),)),
    Case("chat dropped", lambda: (drop(chat(stream=True)), gc.collect()), ((aborted, estimated),)),
    Case("chat never read", lambda: (chat(stream=True) and None, gc.collect()), ((aborted, estimated),)),
    Case("chat exception inside", raised_inside, ((aborted, estimated),)),
    Case("chat cancelled", cancelled_chat, ((aborted, estimated),)),
    Case(
        "chat cut by the server",
        lambda: quietly(Exception, lambda: read(chat(f"{GPT}!cut", stream=True))),
        ((failed, estimated),),
    ),
    Case(
        "chat error event",
        lambda: quietly(openai.APIError, lambda: read(chat(f"{GPT}!error-event", stream=True))),
        ((failed, estimated),),
    ),
]

OTHERS = [
    Case("responses", lambda: gpt().responses.create(model=GPT, input="How many?")),
    Case("responses async", lambda: run(aresponse)),
    Case("responses stream", lambda: read(gpt().responses.create(model=GPT, input="How many?", stream=True))),
    Case("responses stream async", lambda: run(lambda: aresponse(stream=True))),
    Case("responses stream helper", responses_helper),
    Case(
        "responses tools",
        lambda: gpt().responses.create(
            model=GPT, input="How many?", tools=[{"type": "function", "strict": True, **TOOL}]
        ),
    ),
    Case(
        "responses closed",
        lambda: stop_after(gpt().responses.create(model=GPT, input="How many?", stream=True), 5),
        ((aborted, estimated),),
    ),
    Case("embeddings", lambda: gpt().embeddings.create(model="text-embedding-3-small", input=["a", "b"])),
    Case("messages", message),
    Case("messages async", lambda: run(amessage)),
    Case("messages tools", lambda: message(tools=[{"name": "weather", "input_schema": {"type": "object"}}])),
    Case("messages stream", lambda: read(message(stream=True))),
    Case("messages stream async", lambda: run(lambda: amessage(stream=True))),
    Case("messages stream helper", claude_helper),
    Case(
        "messages raw response",
        lambda: claude().messages.with_raw_response.create(model=CLAUDE, max_tokens=9, messages=ASK).parse(),
    ),
    Case("messages streaming response", claude_streaming_response),
    Case("messages without usage", lambda: message(f"{CLAUDE}!no-usage"), ((complete, estimated),)),
    Case("messages 429 then ok", lambda: message(f"{CLAUDE}!429-once"), ((failed, unmeasured), (complete, exact))),
    Case("messages closed", lambda: stop_after(message(stream=True), 3), ((aborted, estimated),)),
    Case("messages cancelled", cancelled_message, ((aborted, estimated),)),
    Case(
        "messages cut by the server",
        lambda: quietly(Exception, lambda: read(message(f"{CLAUDE}!cut", stream=True))),
        ((failed, estimated),),
    ),
    Case(
        "messages error event",
        lambda: quietly(anthropic.APIError, lambda: read(message(f"{CLAUDE}!error-event", stream=True))),
        ((failed, estimated),),
    ),
    Case("count tokens is free", lambda: claude().messages.count_tokens(model=CLAUDE, messages=ASK), ()),
    Case("models are no call", lambda: quietly(openai.NotFoundError, gpt().models.list), ()),
]
CASES = CHAT + OTHERS
