"""Chat completions with the OpenAI SDK."""

from __future__ import annotations

import asyncio
import threading
from contextvars import copy_context
from typing import Any

import openai
from pydantic import BaseModel

from comparison.case import ABORTED, BROKEN, ESTIMATED, EXACT, REFUSED, TIMED_OUT, cases_of
from comparison.reading import aread, cancel, close_after, drop, failing, never_read, raise_inside, read

CASES = cases_of("openai")
MODEL, REASONER = "gpt-4.1", "o4-mini"
USED = "cached+reasoning"
ASK: list[Any] = [{"role": "user", "content": "How many tokens is this?"}]
WITH_USAGE: Any = {"include_usage": True}
PLACE = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
TOOL: Any = {"type": "function", "function": {"name": "weather", "description": "The weather", "parameters": PLACE}}
HTTP = openai.DefaultHttpxClient()  # one for all clients: making one reads all certificates
IMPATIENT_S = 0.3


class Weather(BaseModel):
    """What a structured answer is parsed into."""

    said: str = ""


def client(url: str) -> openai.OpenAI:
    """Return a client as an application makes it."""
    return openai.OpenAI(base_url=f"{url}/v1", api_key="made-up", http_client=HTTP)


def aclient(url: str) -> openai.AsyncOpenAI:
    """Return an asynchronous client."""
    return openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="made-up")


def chat(url: str, model: str = REASONER, **more: Any) -> Any:
    """Make one chat completion."""
    return client(url).chat.completions.create(model=model, messages=ASK, **more)


def stream(url: str, **more: Any) -> Any:
    """Make one streamed chat completion that states its usage."""
    return chat(url, stream=True, stream_options=WITH_USAGE, **more)


@CASES("OpenAI chat: sync", traits=USED)
def sync(url: str) -> None:
    chat(url)


@CASES("OpenAI chat: async", traits=USED)
async def asynchronous(url: str) -> None:
    async with aclient(url) as made:
        await made.chat.completions.create(model=REASONER, messages=ASK)


@CASES("OpenAI chat: stream", traits=USED)
def streamed(url: str) -> None:
    read(stream(url))


@CASES("OpenAI chat: stream no include usage", ESTIMATED, traits=USED)
def stream_no_include_usage(url: str) -> None:
    read(chat(url, stream=True))


@CASES("OpenAI chat: stream async", traits=USED)
async def stream_async(url: str) -> None:
    async with aclient(url) as made:
        create = made.chat.completions.create
        await aread(await create(model=REASONER, messages=ASK, stream=True, stream_options=WITH_USAGE))


@CASES("OpenAI chat: stream helper", traits=USED)
def stream_helper(url: str) -> None:
    helper = getattr(client(url).chat.completions, "stream", None) or client(url).beta.chat.completions.stream
    with helper(model=REASONER, messages=ASK, stream_options=WITH_USAGE) as made:
        read(made)


@CASES("OpenAI chat: stream abort close", ABORTED)
def stream_abort_close(url: str) -> None:
    close_after(2, stream(url))


@CASES("OpenAI chat: stream abort drop", ABORTED)
def stream_abort_drop(url: str) -> None:
    drop(lambda: stream(url))


@CASES("OpenAI chat: stream abort exception", ABORTED)
def stream_abort_exception(url: str) -> None:
    raise_inside(lambda: stream(url))


@CASES("OpenAI chat: stream never read", ABORTED)
def stream_never_read(url: str) -> None:
    never_read(lambda: stream(url))


@CASES("OpenAI chat: stream async cancel", ABORTED)
async def stream_async_cancel(url: str) -> None:
    async with aclient(url) as made:
        create = made.chat.completions.create
        await cancel(lambda: create(model=MODEL, messages=ASK, stream=True, stream_options=WITH_USAGE))


@CASES("OpenAI chat: stream server cut", BROKEN, traits="cut")
def stream_server_cut(url: str) -> None:
    failing(Exception, lambda: read(stream(url)))


@CASES("OpenAI chat: stream error event", BROKEN, traits="error-event")
def stream_error_event(url: str) -> None:
    failing(openai.APIError, lambda: read(stream(url)))


@CASES("OpenAI chat: retry 429 then ok", REFUSED, EXACT, traits="429-once")
def retry_429_then_ok(url: str) -> None:
    chat(url)


@CASES("OpenAI chat: always 429", REFUSED, REFUSED, REFUSED, traits="429")
def always_429(url: str) -> None:
    failing(openai.RateLimitError, lambda: chat(url))


@CASES("OpenAI chat: timeout then ok", TIMED_OUT, EXACT, traits="hang-once")
def timeout_then_ok(url: str) -> None:
    chat(url, MODEL, timeout=IMPATIENT_S)


@CASES("OpenAI chat: tools", traits=USED)
def tools(url: str) -> None:
    chat(url, tools=[TOOL])


@CASES("OpenAI chat: stream tools", traits=USED)
def stream_tools(url: str) -> None:
    read(stream(url, tools=[TOOL]))


@CASES("OpenAI chat: parse", traits=f"{USED}+json")
def parse(url: str) -> None:
    made = client(url)
    completions = made.chat.completions if hasattr(made.chat.completions, "parse") else made.beta.chat.completions
    completions.parse(model=REASONER, messages=ASK, response_format=Weather)


@CASES("OpenAI chat: parse async", traits=f"{USED}+json")
async def parse_async(url: str) -> None:
    async with aclient(url) as made:
        completions = made.chat.completions if hasattr(made.chat.completions, "parse") else made.beta.chat.completions
        await completions.parse(model=REASONER, messages=ASK, response_format=Weather)


@CASES("OpenAI chat: raw response", traits=USED)
def raw_response(url: str) -> None:
    client(url).chat.completions.with_raw_response.create(model=REASONER, messages=ASK).parse()


@CASES("OpenAI chat: raw response stream", traits=USED)
def raw_response_stream(url: str) -> None:
    create = client(url).chat.completions.with_raw_response.create
    read(create(model=REASONER, messages=ASK, stream=True, stream_options=WITH_USAGE).parse())


@CASES("OpenAI chat: streaming response", traits=USED)
def streaming_response(url: str) -> None:
    with client(url).chat.completions.with_streaming_response.create(model=REASONER, messages=ASK) as answer:
        answer.parse()


@CASES("OpenAI chat: n2", traits=USED)
def n2(url: str) -> None:
    chat(url, n=2)


@CASES("OpenAI chat: no usage", ESTIMATED, traits="no-usage")
def no_usage(url: str) -> None:
    chat(url)


@CASES("OpenAI chat: null usage", ESTIMATED, traits="null-usage")
def null_usage(url: str) -> None:
    chat(url)


@CASES("OpenAI chat: client post", traits=USED)
def client_post(url: str) -> None:
    client(url).post("/chat/completions", cast_to=object, body={"model": REASONER, "messages": ASK})


@CASES("OpenAI chat: in thread", traits=USED)
def in_thread(url: str) -> None:
    thread = threading.Thread(target=copy_context().run, args=(chat, url))
    thread.start()
    thread.join()


@CASES("OpenAI chat: audio and pictures", traits=f"{USED}+audio+image")
def audio_and_pictures(url: str) -> None:
    chat(url)


@CASES("OpenAI chat: cache for half a day", traits=f"{USED}+ttl")
def cache_for_half_a_day(url: str) -> None:
    chat(url)


@CASES("OpenAI chat: flex tier", traits=f"{USED}+tier-flex")
def flex_tier(url: str) -> None:
    chat(url, service_tier="flex")


@CASES("OpenAI chat: stream priority tier", traits=f"{USED}+tier-priority")
def stream_priority_tier(url: str) -> None:
    read(stream(url, service_tier="priority"))


@CASES("OpenAI chat: three at once", EXACT, EXACT, EXACT, traits=USED)
async def three_at_once(url: str) -> None:
    async with aclient(url) as made:
        create = made.chat.completions.create
        await asyncio.gather(*[create(model=REASONER, messages=ASK) for _ in range(3)])


@CASES("OpenAI chat: tool and its answer", EXACT, EXACT)
def tool_and_its_answer(url: str) -> None:
    first = chat(url, MODEL, tools=[TOOL]).choices[0].message
    result = {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "rain"}
    said = [*ASK, first.model_dump(exclude_none=True), result]
    client(url).chat.completions.create(model=MODEL, messages=said, tools=[TOOL])


@CASES("OpenAI chat: retry 500 then ok async", REFUSED, EXACT, traits="500-once")
async def retry_500_then_ok_async(url: str) -> None:
    async with aclient(url) as made:
        await made.chat.completions.create(model=MODEL, messages=ASK)


@CASES("OpenAI chat: streaming response lines", traits=USED)
def streaming_response_lines(url: str) -> None:
    create = client(url).chat.completions.with_streaming_response.create
    with create(model=REASONER, messages=ASK, stream=True, stream_options=WITH_USAGE) as answer:
        read(answer.iter_lines())


def azure(url: str) -> Any:
    """Return a client of a deployment on Azure."""
    return openai.AzureOpenAI(
        api_version="2025-04-01-preview",
        azure_endpoint=url,
        azure_deployment="prod-gpt",
        api_key="made-up",
        http_client=HTTP,
    )


@CASES("Azure OpenAI: chat", traits=USED)
def azure_chat(url: str) -> None:
    azure(url).chat.completions.create(model=REASONER, messages=ASK)


@CASES("Azure OpenAI: chat stream", traits=USED)
def azure_chat_stream(url: str) -> None:
    made = azure(url).chat.completions
    read(made.create(model=REASONER, messages=ASK, stream=True, stream_options=WITH_USAGE))


@CASES("Azure OpenAI: embeddings")
def azure_embeddings(url: str) -> None:
    azure(url).embeddings.create(model="text-embedding-3-small", input="How many?")


@CASES("Azure OpenAI: v1 responses", traits=USED)
def azure_responses(url: str) -> None:
    made = openai.OpenAI(base_url=f"{url}/openai/v1", api_key="made-up", http_client=HTTP)
    made.responses.create(model=REASONER, input="How many?")
