"""Messages with the Anthropic SDK, also through the clouds that resell them."""

from __future__ import annotations

import threading
from contextvars import copy_context
from typing import Any

import anthropic
from pydantic import BaseModel

from comparison.case import ABORTED, BROKEN, ESTIMATED, EXACT, REFUSED, TIMED_OUT, cases_of
from comparison.reading import aread, cancel, close_after, drop, failing, never_read, raise_inside, read

CASES = cases_of("anthropic")
MODEL = "claude-sonnet-4-5"
USED = "cached+reasoning"
ASK: Any = [{"role": "user", "content": "How many tokens is this?"}]
ASKED: dict[str, Any] = {"model": MODEL, "max_tokens": 999, "messages": ASK}
PLACE = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
TOOL: Any = {"name": "weather", "description": "The weather", "input_schema": PLACE}
COMPACT: Any = {"edits": [{"type": "compact_20260112"}]}
COMPACTING = ["compact-2026-01-12"]
HTTP = anthropic.DefaultHttpxClient()  # one for all clients: making one reads all certificates
IMPATIENT_S = 0.3


class Weather(BaseModel):
    """What a structured answer is parsed into."""

    said: str = ""


def client(url: str) -> anthropic.Anthropic:
    """Return a client as an application makes it."""
    return anthropic.Anthropic(base_url=url, api_key="made-up", http_client=HTTP)


def aclient(url: str) -> anthropic.AsyncAnthropic:
    """Return an asynchronous client."""
    return anthropic.AsyncAnthropic(base_url=url, api_key="made-up")


def message(url: str, **more: Any) -> Any:
    """Make one message."""
    return client(url).messages.create(**ASKED, **more)


@CASES("Anthropic messages: sync", traits=USED)
def sync(url: str) -> None:
    message(url)


@CASES("Anthropic messages: async", traits=USED)
async def asynchronous(url: str) -> None:
    async with aclient(url) as made:
        await made.messages.create(**ASKED)


@CASES("Anthropic messages: stream", traits=USED)
def stream(url: str) -> None:
    read(message(url, stream=True))


@CASES("Anthropic messages: stream async", traits=USED)
async def stream_async(url: str) -> None:
    async with aclient(url) as made:
        await aread(await made.messages.create(**ASKED, stream=True))


@CASES("Anthropic messages: stream helper", traits=USED)
def stream_helper(url: str) -> None:
    with client(url).messages.stream(**ASKED) as made:
        made.get_final_message()


@CASES("Anthropic messages: stream helper async", traits=USED)
async def stream_helper_async(url: str) -> None:
    async with aclient(url) as made, made.messages.stream(**ASKED) as streaming:
        await streaming.get_final_message()


@CASES("Anthropic messages: stream abort close", ABORTED, traits=USED, input_stated=True)
def stream_abort_close(url: str) -> None:
    close_after(3, message(url, stream=True))


@CASES("Anthropic messages: stream abort drop", ABORTED, traits=USED, input_stated=True)
def stream_abort_drop(url: str) -> None:
    drop(lambda: message(url, stream=True))


@CASES("Anthropic messages: stream abort exception", ABORTED, traits=USED, input_stated=True)
def stream_abort_exception(url: str) -> None:
    raise_inside(lambda: message(url, stream=True))


@CASES("Anthropic messages: stream never read", ABORTED)
def stream_never_read(url: str) -> None:
    never_read(lambda: message(url, stream=True))


@CASES("Anthropic messages: stream helper abort", ABORTED, traits=USED, input_stated=True)
def stream_helper_abort(url: str) -> None:
    with client(url).messages.stream(**ASKED) as made:
        next(iter(made))


@CASES("Anthropic messages: stream async cancel", ABORTED, traits=USED, input_stated=True)
async def stream_async_cancel(url: str) -> None:
    async with aclient(url) as made:
        await cancel(lambda: made.messages.create(**ASKED, stream=True))


@CASES("Anthropic messages: stream server cut", BROKEN, traits=f"{USED}+cut", input_stated=True)
def stream_server_cut(url: str) -> None:
    failing(Exception, lambda: read(message(url, stream=True)))


@CASES("Anthropic messages: stream error event", BROKEN, traits=f"{USED}+error-event", input_stated=True)
def stream_error_event(url: str) -> None:
    failing(anthropic.APIError, lambda: read(message(url, stream=True)))


@CASES("Anthropic messages: retry 429 then ok", REFUSED, EXACT, traits=f"{USED}+429-once")
def retry_429_then_ok(url: str) -> None:
    message(url)


@CASES("Anthropic messages: always 529", REFUSED, REFUSED, REFUSED, traits="529")
def always_529(url: str) -> None:
    failing(anthropic.APIStatusError, lambda: message(url))


@CASES("Anthropic messages: timeout then ok", TIMED_OUT, EXACT, traits="hang-once")
def timeout_then_ok(url: str) -> None:
    message(url, timeout=IMPATIENT_S)


@CASES("Anthropic messages: tools", traits=USED)
def tools(url: str) -> None:
    message(url, tools=[TOOL])


@CASES("Anthropic messages: tool and its answer", EXACT, EXACT, traits=USED)
def tool_and_its_answer(url: str) -> None:
    first = message(url, tools=[TOOL])
    result = {"type": "tool_result", "tool_use_id": first.content[0].id, "content": "rain"}
    said = [*ASK, {"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    client(url).messages.create(model=MODEL, max_tokens=999, messages=said, tools=[TOOL])


@CASES("Anthropic messages: web search", traits=f"{USED}+web-search")
def web_search(url: str) -> None:
    message(url, tools=[{"type": "web_search_20250305", "name": "web_search"}])


@CASES("Anthropic messages: parse", traits=f"{USED}+json")
def parse(url: str) -> None:
    client(url).messages.parse(**ASKED, output_format=Weather)


@CASES("Anthropic messages: raw response", traits=USED)
def raw_response(url: str) -> None:
    client(url).messages.with_raw_response.create(**ASKED).parse()


@CASES("Anthropic messages: streaming response", traits=USED)
def streaming_response(url: str) -> None:
    with client(url).messages.with_streaming_response.create(**ASKED) as answer:
        answer.read()


@CASES("Anthropic messages: client post", traits=USED)
def client_post(url: str) -> None:
    client(url).post("/v1/messages", cast_to=object, body=ASKED)


@CASES("Anthropic messages: in thread", traits=USED)
def in_thread(url: str) -> None:
    thread = threading.Thread(target=copy_context().run, args=(message, url))
    thread.start()
    thread.join()


@CASES("Anthropic messages: no usage", ESTIMATED, traits="no-usage")
def no_usage(url: str) -> None:
    message(url)


@CASES("Anthropic beta: sync", traits=USED)
def beta(url: str) -> None:
    client(url).beta.messages.create(**ASKED)


@CASES("Anthropic beta: compaction", traits=f"{USED}+compaction")
def compaction(url: str) -> None:
    client(url).beta.messages.create(**ASKED, betas=COMPACTING, context_management=COMPACT)


@CASES("Anthropic beta: compaction stream", traits=f"{USED}+compaction")
def compaction_stream(url: str) -> None:
    create: Any = client(url).beta.messages.create
    read(create(**ASKED, betas=COMPACTING, context_management=COMPACT, stream=True))


@CASES("Anthropic beta: stream", traits=USED)
def beta_stream(url: str) -> None:
    read(client(url).beta.messages.create(**ASKED, stream=True))


@CASES.free("Anthropic: count tokens")
def count_tokens(url: str) -> None:
    client(url).messages.count_tokens(model=MODEL, messages=ASK)


@CASES("Anthropic: batch results", EXACT, EXACT, traits=USED)
def batch_results(url: str) -> None:
    made = client(url).messages.batches
    asked: Any = [{"custom_id": f"row-{number}", "params": ASKED} for number in range(2)]
    begun = made.create(requests=asked)
    read(made.results(made.retrieve(begun.id).id))


@CASES("Anthropic: batch results with an error", EXACT, traits=f"{USED}+one-errored")
def batch_results_with_an_error(url: str) -> None:
    made = client(url).messages.batches
    asked: Any = [{"custom_id": f"row-{number}", "params": ASKED} for number in range(2)]
    read(made.results(made.create(requests=asked).id))


def on_bedrock(url: str) -> Any:
    """Return a client of Bedrock."""
    return anthropic.AnthropicBedrock(
        base_url=url, aws_region="eu-central-1", aws_access_key="made-up", aws_secret_key="made-up", http_client=HTTP
    )


@CASES("Anthropic on Bedrock: sync", traits=USED)
def bedrock(url: str) -> None:
    on_bedrock(url).messages.create(**{**ASKED, "model": "anthropic.claude-sonnet-4-5-v1:0"})


@CASES("Anthropic on Bedrock: stream", traits=USED)
def bedrock_stream(url: str) -> None:
    read(on_bedrock(url).messages.create(**{**ASKED, "model": "anthropic.claude-sonnet-4-5-v1:0"}, stream=True))


def on_vertex(url: str) -> Any:
    """Return a client of Vertex."""
    return anthropic.AnthropicVertex(
        base_url=f"{url}/v1", region="europe-west1", project_id="made-up", access_token="made-up", http_client=HTTP
    )


@CASES("Anthropic on Vertex: sync", traits=USED)
def vertex(url: str) -> None:
    on_vertex(url).messages.create(**ASKED)


@CASES("Anthropic on Vertex: stream", traits=USED)
def vertex_stream(url: str) -> None:
    read(on_vertex(url).messages.create(**ASKED, stream=True))
